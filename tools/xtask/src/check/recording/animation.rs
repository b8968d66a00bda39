//! Draws a terminal as an animated SVG. Without animations it shows its last frame.

use std::fmt::Write as _;

/// A command, and the lines that it printed.
pub struct Scene {
    pub command: String,
    pub lines: Vec<String>,
}

/// Sizes in pixels; a character is 0.6 of the font size wide in most monospaced fonts.
const FONT: f64 = 13.0;
const CHARACTER: f64 = 0.6 * FONT;
const LINE: usize = 17;
const MARGIN: usize = 16;

/// Milliseconds until a line appears, after the one before.
const AFTER_COMMAND: usize = 1000;
const AFTER_LINE: usize = 300;
const AFTER_STAGE: usize = 900;
const AFTER_ROW: usize = 60;
const AFTER_SCENE: usize = 1500;

const STYLE: &str = "\
.screen { fill: #0d1117; stroke: #3d444d }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d1d7e0; white-space: pre }
.command { fill: #3fb950; font-weight: 600 }
.later { animation: appear 1ms backwards }
@keyframes appear { from { opacity: 0 } to { opacity: 1 } }
@media (prefers-reduced-motion: reduce) { .later { animation: none } }
";

/// Returns the SVG, in which the lines appear one after another.
pub fn draw(title: &str, scenes: &[Scene]) -> String {
    let mut text = String::new();
    let (mut row, mut delay, mut columns) = (0, 0, 0);
    let mut add = |line: &str, class: &str, delay: usize| {
        let y = MARGIN + row * LINE + LINE - 4;
        columns = line.chars().count().max(columns);
        row += 1;
        // The first line is there from the start.
        let (class, style) = match delay {
            0 => (class.to_owned(), String::new()),
            _ => (format!("{class} later"), format!(r#" style="animation-delay:{delay}ms""#)),
        };
        let line = escaped(line);
        // Writing to a string cannot fail.
        let _ = writeln!(text, r#"<text class="{}" x="{MARGIN}" y="{y}"{style}>{line}</text>"#, class.trim_start());
    };
    for (index, scene) in scenes.iter().enumerate() {
        if index > 0 {
            add("", "", delay);
            delay += AFTER_SCENE;
        }
        add(&format!("$ {}", scene.command), "command", delay);
        delay += AFTER_COMMAND;
        for line in &scene.lines {
            add(line, "", delay);
            delay += match line.trim_start().chars().next() {
                Some('\u{2500}'..='\u{257f}') => AFTER_ROW,
                Some('[') if line.ends_with("...") => AFTER_STAGE,
                _ => AFTER_LINE,
            };
        }
    }
    let width = (columns as f64 * CHARACTER).ceil() as usize + 2 * MARGIN;
    let height = row * LINE + 2 * MARGIN;
    let (inner_width, inner_height) = (width - 1, height - 1);
    let title = escaped(title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"
 role="img" aria-labelledby="title" xml:space="preserve">
<title id="title">{title}</title>
<style>
{STYLE}</style>
<rect class="screen" x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" rx="8"/>
{text}</svg>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_the_last_frame_and_appears_after_the_one_before() {
        let scene = |command: &str, lines: &[&str]| Scene {
            command: command.into(),
            lines: lines.iter().map(|&line| line.into()).collect(),
        };
        let lines = ["[1/1] Works ...", "  done in 1.0 s", "\u{250c}\u{2500}\u{2510}", "a < b & c"];
        let svg = draw("T & t", &[scene("one", &lines), scene("two", &["last"])]);
        let delays: Vec<usize> = svg
            .split("animation-delay:")
            .skip(1)
            .filter_map(|part| part.split_once("ms").and_then(|(delay, _)| delay.parse().ok()))
            .collect();
        // All but the first.
        assert_eq!(delays.len(), 7, "{svg}");
        assert!(delays.is_sorted() && delays[0] > 0, "{delays:?}");
        for part in
            ["$ one", "[1/1] Works ...", "a &lt; b &amp; c", "$ two", "last", "T &amp; t", "prefers-reduced-motion"]
        {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("<script") && svg.contains("from { opacity: 0 }"), "{svg}");
        // The opacity of a line that is not animated is 1.
        assert_eq!(svg.matches("opacity").count(), 2, "{svg}");
    }
}
