//! Which files are missing or damaged, and how to get them back.

use maud::{Markup, html};

use crate::report::run::{Missing, Run};

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
            p { "Not everything could be read. All that could is below." }
            ul {
                @for Missing { file, problem, consequence, .. } in missing {
                    li { strong { bdi { (file) } } " " bdi { (problem) } ": " (consequence) "." }
                }
            }
            p { "This brings it back:" }
            @for remedy in remedies { pre { code { (remedy) } } }
        }
    })
}
