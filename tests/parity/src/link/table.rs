//! The results as a table.

use host_support::table::Folded;
use parity::FaultRow;

use super::LinkReport;

/// Formats the table of a device, and a summary.
pub fn table(report: &LinkReport) -> String {
    let columns = "rate,kind,frames,damaged,late,refused,unreadable,sent again,answers,wrong,longest recovery,seconds";
    let mut table = Folded::new(columns.split(','), 2);
    for row in &report.rows {
        let FaultRow { frames, damaged, late, refused, unreadable, resent, answers, wrong, longest_recovery, .. } = row;
        let counts = [frames, damaged, late, refused, unreadable, resent, answers, wrong, longest_recovery];
        let counts = counts.map(u64::to_string);
        let texts = [format!("{:e}", row.rate), row.kind.clone()];
        table.add_row(texts.into_iter().chain(counts).chain([format!("{:.1}", row.seconds)]));
    }
    let place = report.target.name();
    let LinkReport { device, link, damaged, late, answers, wrong, noise_bytes, noise_refused, seconds, .. } = report;
    format!(
        "{table}\n{device} ({place}), {link}: {damaged} frames damaged and {late} late; {answers} answers accepted, \
         {wrong} wrong values; then {noise_bytes} random bytes, {noise_refused} refusals, all answers correct \
         ({seconds:.0} s)"
    )
}
