//! Tables of the measurements, for a terminal and in Markdown.

use std::collections::BTreeSet;

use host_support::numbers::grouped;
use host_support::parity::target_name;
use host_support::table::Folded;
use parity::Unit;

use super::code::INFERENCE;
use super::rivals::Rivals;
use super::row::Row;

/// A table: the first row is the header, the first columns have names.
pub struct Words {
    pub title: String,
    pub rows: Vec<Vec<String>>,
}

/// Formats the tables of `rows` for a terminal.
pub fn terminal(rows: &[Row], rivals: &Rivals) -> String {
    let tables = words(rows, rivals).into_iter().map(|Words { title, rows }| {
        let mut rows = rows.into_iter();
        let mut table = Folded::new(rows.next().unwrap_or_default(), 1);
        rows.for_each(|row| table.add_row(row));
        format!("{title}\n{table}")
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

/// Formats the tables of `rows` in Markdown.
pub fn markdown(rows: &[Row], rivals: &Rivals) -> String {
    let tables = words(rows, rivals);
    tables.iter().map(|words| markdown_of(words, 1)).collect::<Vec<_>>().join("\n")
}

/// Formats one table in Markdown, whose first columns are `names`, the others numbers.
pub fn markdown_of(Words { title, rows }: &Words, names: usize) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let columns = rows.first().map_or(0, Vec::len);
    let rule = format!("|{}{}\n", "---|".repeat(names), "---:|".repeat(columns.saturating_sub(names)));
    let body: String = rows.iter().skip(1).map(|row| line(row)).collect();
    format!("{title}\n\n{}{rule}{body}", rows.first().map(|row| line(row)).unwrap_or_default())
}

fn words(rows: &[Row], rivals: &Rivals) -> Vec<Words> {
    let emulated: Vec<_> = rows.iter().filter(|row| row.unit == Unit::Instructions).collect();
    let hardware: Vec<_> = rows.iter().filter(|row| row.unit == Unit::Cycles).collect();
    let mut all = Vec::new();
    for (rows, unit, what) in [
        (emulated, "Instructions", "counted by an emulator, neither cycles nor time"),
        (hardware, "Cycles", "of the core's clock"),
    ] {
        let Some(first) = rows.first() else { continue };
        all.push(Words {
            title: format!("{unit} per image ({what}): {}, {} images", first.network, grouped(first.images as u64)),
            rows: counts(&rows),
        });
        if unit == "Instructions" && !rivals.of_network(&first.network).is_empty() {
            let title = format!(
                "{unit} per image, compared with other engines ({}); in brackets: multiple of ours",
                rivals.source
            );
            all.push(Words { title, rows: beside(&rows, rivals) });
        }
    }
    all.push(Words { title: "Bytes of code and constants, by purpose".into(), rows: code(rows) });
    let places: BTreeSet<_> = rows.iter().map(|row| target_name(row.target)).collect();
    let places: Vec<_> = places.into_iter().collect();
    let title = format!("Bytes of RAM and of the model; stack measured on: {}", places.join(", "));
    all.push(Words { title, rows: memory(rows) });
    all
}

fn counts(rows: &[&Row]) -> Vec<Vec<String>> {
    let stages = rows.first().map(|row| row.shown_stages()).unwrap_or_default();
    let header = ["board", "core", "weights in", "mean", "min", "max"].map(str::to_owned).into_iter();
    let header = header.chain(stages.into_iter().map(|(name, _)| name)).chain(["each MAC".to_owned()]);
    let line = |row: &&Row| {
        let all = row.spread();
        let names = [row.board.clone(), row.core.clone(), row.weight_order.clone()].into_iter();
        let counts = names.chain([whole(all.mean), grouped(all.min), grouped(all.max)]);
        let stages = row.shown_stages().into_iter().map(|(_, mean)| whole(mean));
        counts.chain(stages).chain([format!("{:.2}", row.per_multiply_accumulate)]).collect()
    };
    [header.collect()].into_iter().chain(rows.iter().map(line)).collect()
}

fn beside(rows: &[&Row], rivals: &Rivals) -> Vec<Vec<String>> {
    let ours = |of: &dyn Fn(&Row) -> String| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let header =
        [vec![String::new()], ours(&|row| row.core.clone()), vec!["code, M4".into(), "RAM, M4".into()]].concat();
    // Rivals' bytes were measured on a Cortex-M4.
    let m4 = rows.iter().find(|row| row.core == "cortex-m4");
    let code = m4.map(|row| grouped(row.code_bytes)).unwrap_or_default();
    let ram = |row: &&Row| {
        format!("{} + {} stack", grouped(row.ram_network_bytes.into()), grouped(row.ram_stack_bytes.into()))
    };
    let prenda =
        [vec!["prenda".to_owned()], ours(&|row| whole(row.spread().mean)), vec![code, m4.map(ram).unwrap_or_default()]];
    let others = rows.first().map(|row| rivals.of_network(&row.network)).unwrap_or_default();
    let line = |rival: &super::rivals::Rival| {
        let count = |row: &Row| {
            let Some(count) = rival.instructions.get(&row.core) else { return String::new() };
            format!("{} ({:.1})", grouped(*count), *count as f64 / row.spread().mean.max(1.0))
        };
        let name = rival.note.as_ref().map_or_else(|| rival.name.clone(), |note| format!("{}; {note}", rival.name));
        let code = rival.code_bytes.map(grouped).unwrap_or_default();
        [vec![name], ours(&count), vec![code, rival.ram.clone().unwrap_or_default()]].concat()
    };
    [header, prenda.concat()].into_iter().chain(others.iter().map(line)).collect()
}

fn code(rows: &[Row]) -> Vec<Vec<String>> {
    let groups = rows.first().map(|row| row.code_groups.as_slice()).unwrap_or_default();
    let (inference, others): (Vec<_>, Vec<_>) =
        groups.iter().map(|group| group.name.clone()).partition(|name| INFERENCE.contains(&name.as_str()));
    let header =
        [vec!["board".to_owned()], inference.clone(), vec!["inference".into()], others.clone(), vec!["flash".into()]];
    let line = |row: &Row| {
        let bytes = |name: &String| {
            let group = row.code_groups.iter().find(|group| group.name == *name);
            grouped(group.map_or(0, |group| group.bytes))
        };
        let inferring: Vec<_> = inference.iter().map(bytes).collect();
        let others: Vec<_> = others.iter().map(bytes).collect();
        [
            vec![row.board.clone()],
            inferring,
            vec![grouped(row.code_bytes)],
            others,
            vec![grouped(row.flash_bytes.into())],
        ]
        .concat()
    };
    [header.concat()].into_iter().chain(rows.iter().map(line)).collect()
}

fn memory(rows: &[Row]) -> Vec<Vec<String>> {
    let header =
        ["board", "this network needs", "workspace", "deepest stack", "both", "all variables", "model, in flash"]
            .map(str::to_owned);
    let line = |row: &Row| {
        let bytes =
            [row.ram_network_bytes, row.ram_workspace_bytes, row.ram_stack_bytes, row.ram_bytes, row.ram_statics_bytes];
        let bytes = bytes.map(|bytes| grouped(bytes.into()));
        [vec![row.board.clone()], bytes.to_vec(), vec![grouped(row.model_bytes as u64)]].concat()
    };
    [header.to_vec()].into_iter().chain(rows.iter().map(line)).collect()
}

/// Formats a mean, rounded.
pub fn whole(mean: f64) -> String {
    grouped(mean.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_readable() {
        assert_eq!(whole(1234.6), "1,235");
    }
}
