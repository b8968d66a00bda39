//! Which files are missing or damaged, and how to get them back.

use maud::{Markup, html};

use crate::report::run::{Lost, Run};

pub fn content(runs: &[Run]) -> Option<Markup> {
    let lost: Vec<&Lost> = runs.iter().flat_map(|run| &run.lost).collect();
    let mut remedies: Vec<&str> = lost.iter().map(|lost| lost.remedy.as_str()).collect();
    remedies.sort_unstable();
    remedies.dedup();
    if lost.is_empty() {
        return None;
    }
    Some(html! {
        div.warning {
            p { "Not everything could be read. All that could is below." }
            ul {
                @for Lost { file, problem, consequence, .. } in lost {
                    li { strong { bdi { (file) } } " " bdi { (problem) } ": " (consequence) "." }
                }
            }
            p { "This brings it back:" }
            @for remedy in remedies { pre { code { (remedy) } } }
        }
    })
}
