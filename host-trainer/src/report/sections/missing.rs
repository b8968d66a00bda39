//! Missing and damaged files, and the commands that restore them.

use maud::{Markup, html};

use crate::report::missing::Missing;
use crate::report::run::Run;

pub fn content(runs: &[Run]) -> Option<Markup> {
    let missing: Vec<&Missing> = runs.iter().flat_map(|run| &run.missing).collect();
    let mut remedies: Vec<&str> = missing.iter().map(|missing| missing.remedy.as_str()).collect();
    remedies.sort_unstable();
    remedies.dedup();
    if missing.is_empty() {
        return None;
    }
    Some(html! {
        div.warning {
            p { "Some files could not be read. The report shows the others." }
            ul {
                @for Missing { file, problem, consequence, .. } in missing {
                    li { strong { bdi { (file) } } " " bdi { (problem) } ": " (consequence) "." }
                }
            }
            p { "To restore them, run:" }
            @for remedy in remedies { pre { code { (remedy) } } }
        }
    })
}
