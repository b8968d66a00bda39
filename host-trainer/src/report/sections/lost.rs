//! Which files are missing or damaged, and how to get them back.

use maud::{Markup, html};

use crate::report::run::Run;
use crate::report::table::{head, table};

pub fn content(runs: &[Run]) -> Option<Markup> {
    let lost = || runs.iter().flat_map(|run| &run.lost);
    lost().next()?;
    let body = html! {
        @for lost in lost() {
            tr {
                th scope="row" { bdi { (lost.file) } }
                td { bdi { (lost.problem) } }
                td { (lost.consequence) }
                td { bdi { (lost.remedy) } }
            }
        }
    };
    Some(html! {
        div.warning {
            p { "This report could not read everything; all that it could read is below." }
            (table("Files that could not be read", &head(&["File", "What is wrong", "Consequence", "Remedy"]), &body))
        }
    })
}
