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
    let place = format!("{}, {}", report.target.name(), report.core);
    let not_measured = report.not_measured.join(", ");
    let LinkReport { device, link, damaged, late, answers, wrong, noise_bytes, noise_refused, seconds, .. } = report;
    format!(
        "{table}\n{device} ({place}), {link}: {damaged} frames damaged and {late} late; {answers} answers accepted, \
         {wrong} wrong values; then {noise_bytes} random bytes, {noise_refused} refusals, all answers correct \
         ({seconds:.0} s); not measured: {not_measured}"
    )
}

#[cfg(test)]
mod tests {
    use parity::Target;

    use super::*;

    #[test]
    fn a_report_says_where_it_is_from() {
        let report = LinkReport {
            device: "board".into(),
            target: Target::Emulator,
            core: "cortex-m4".into(),
            not_measured: vec!["time".into(), "energy".into()],
            link: "uart",
            rows: Vec::new(),
            damaged: 0,
            late: 0,
            answers: 0,
            wrong: 0,
            noise_bytes: 0,
            noise_refused: 0,
            seconds: 0.0,
        };
        let text = table(&report);
        assert!(text.contains("board (emulator, cortex-m4), uart: "), "{text}");
        assert!(text.ends_with("not measured: time, energy"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["core"], &json["not_measured"][1]), (&"cortex-m4".into(), &"energy".into()));
    }
}
