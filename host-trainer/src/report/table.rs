use maud::{Markup, Render, html};

/// Returns a table of text, in a scrollable container so that a wide table does not widen the page.
pub fn table(caption: &str, head: &Markup, body: &Markup) -> Markup {
    contained("words", caption, head, body)
}

/// Like [`table`], but right-aligned for numbers.
pub fn figures(caption: &str, head: &Markup, body: &Markup) -> Markup {
    contained("figures", caption, head, body)
}

fn contained(class: &str, caption: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table class=(class) {
                caption { span { (caption) } }
                thead { (head) }
                tbody { (body) }
            }
        }
    }
}

/// Returns the heading of a table, one name per column.
pub fn head(names: &[&str]) -> Markup {
    html! { tr { @for name in names { th scope="col" { (name) } } } }
}

/// A table that compares runs or devices: one column for each, one row per quantity.
pub struct Comparison {
    caption: &'static str,
    corner: &'static str,
    columns: Vec<Markup>,
    rows: Vec<ComparisonRow>,
}

struct ComparisonRow {
    name: String,
    cells: Vec<Option<String>>,
}

impl Comparison {
    /// Returns a table without rows; `corner` is the heading of the first column.
    pub fn new(caption: &'static str, corner: &'static str, columns: Vec<Markup>) -> Self {
        Self { caption, corner, columns, rows: Vec::new() }
    }

    /// Adds a row; `None` is an unknown value.
    pub fn row(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = Option<String>>) {
        self.rows.push(ComparisonRow { name: name.into(), cells: cells.into_iter().collect() });
    }
}

impl Render for Comparison {
    fn render(&self) -> Markup {
        let head = html! {
            tr {
                th scope="col" { (self.corner) }
                @for column in &self.columns { th scope="col" { (column) } }
            }
        };
        let body = html! {
            @for row in &self.rows {
                tr {
                    th scope="row" { (row.name) }
                    @for cell in &row.cells {
                        @match cell {
                            Some(text) => td { bdi { (text) } },
                            None => td.absent { "unknown" },
                        }
                    }
                }
            }
        };
        table(self.caption, &head, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_unknown_values_are_named() {
        let mut comparison = Comparison::new("c", "what", vec![html! { "a" }, html! { "b" }]);
        comparison.row("other", [Some("<script>".to_owned()), None]);
        let text = comparison.render().into_string();
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
        assert!(text.contains("unknown"), "{text}");
    }
}
