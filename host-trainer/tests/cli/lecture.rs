//! The commands of `docs/lecture.md`, run from top to bottom on a small data set.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::files::names;
use crate::project::Project;

/// Returns the commands of the page in its order, with `$RUN` replaced by its value there.
fn commands(page: &str) -> Vec<String> {
    let mut run = String::new();
    let mut commands = Vec::new();
    for code in page.split('`').skip(1).step_by(2) {
        if let Some(value) = code.strip_prefix("RUN=") {
            run = value.to_owned();
        } else if code.starts_with("host-trainer ") {
            assert!(!run.is_empty() || !code.contains("$RUN"), "{code} is before RUN=");
            commands.push(code.replace("$RUN", &run));
        }
    }
    commands
}

#[test]
fn the_commands_of_the_lecture_run_from_top_to_bottom() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = fs::read_to_string(docs.join("lecture.md")).unwrap();
    let project = Project::new();
    fs::create_dir(project.path().join("docs")).unwrap();
    fs::copy(docs.join("trousers.jpg"), project.path().join("docs/trousers.jpg")).unwrap();
    // The names of the page's runs are those of Fashion-MNIST.
    project.command(&["train", "--data", "data", "--epochs", "1"]).assert().success();
    let first = names(&project.path().join("runs")).remove(0);
    let data_name = first.strip_prefix("128-1-epochs").unwrap().strip_suffix("-flex-seed-1").unwrap();
    let page = page.replace("-epochs-flex", &format!("-epochs{data_name}-flex"));
    let mut count = 0;
    for command in commands(&page) {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        // Prose names commands with N for a number, this build has no graphics backend, and no
        // training is in progress.
        if words.contains(&"N") || words.contains(&"wgpu") || words[0] == "watch" {
            continue;
        }
        let is_without_data = words[0] == "report" || words.contains(&"--image");
        let data: &[&str] = if is_without_data { &[] } else { &["--data", "data"] };
        let result = project.command(&words).args(data).assert();
        let output = result.get_output();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let mut tables = text.lines().filter(|line| line.starts_with(['┌', '│', '╞', '└']));
        assert!(tables.all(|line| line.chars().count() <= 80), "{command}\n{text}");
        count += 1;
    }
    assert!(count >= 14, "{count} commands found; was the table of docs/lecture.md changed?");

    // No later command has replaced the run that the page evaluates.
    let run = page.split_once("`RUN=").unwrap().1.split_once('`').unwrap().0;
    let config = fs::read(project.path().join(run).join("config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!((&config["train"]["epochs"], &config["train"]["stop_at_train_accuracy"]), (&50.into(), &Value::Null));
}
