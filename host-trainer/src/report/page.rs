//! The document around the sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::run::Run;
use super::sections::{Section, sections};
use crate::support::date::today;

const STYLE: &str = include_str!("style.css");

/// Content security policy: the page may only show its own content.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Returns the page about `runs`, as HTML, with a link to the file `playground` in its folder.
pub fn page(runs: &[Run], playground: Option<&str>) -> String {
    let sections = sections(runs);
    let title = title(runs);
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="generator" content=(concat!("prenda ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class=[(runs.len() > 1).then_some("several")] { (body(&title, &sections, playground)) }
        }
    };
    document.into_string()
}

fn title(runs: &[Run]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    format!("Report: {}", names.join(", "))
}

fn body(title: &str, sections: &[Section], playground: Option<&str>) -> Markup {
    html! {
        header {
            h1 { (title) }
            nav aria-label="Sections" {
                ul {
                    @for Section { id, title, .. } in sections { li { a href={ "#" (id) } { (title) } } }
                    @if let Some(playground) = playground {
                        li { a href=(playground) { "Playground" } }
                    }
                }
            }
        }
        main {
            @for Section { id, title, content } in sections {
                section id=(id) aria-labelledby={ (id) "-title" } {
                    h2 id={ (id) "-title" } { (title) }
                    (content)
                }
            }
        }
        footer {
            p { "Written on " (today()) " by "
                code { "host-trainer report" } ", prenda " (env!("CARGO_PKG_VERSION")) "." }
        }
    }
}
