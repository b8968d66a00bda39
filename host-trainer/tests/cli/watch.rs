//! `watch`: a real training up to its result, and what cannot be watched. `tests/report.rs` opens
//! the page in a browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::project::{Project, failure};

#[test]
fn a_training_is_followed_up_to_its_result() {
    let project = Project::new();
    fs::create_dir(project.path().join("run")).unwrap();
    let program = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("host-trainer"));
        command.current_dir(project.path()).stdin(Stdio::null());
        command
    };
    // Long enough to be found, and ended below.
    let mut training = program();
    training.args(["train", "--data", "data", "--hidden", "512", "--epochs", "100000", "--run", "run"]);
    let mut training = training.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !project.path().join("run/progress.jsonl").exists() {
        assert!(training.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let mut watch =
        program().args(["watch", "run", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let printed: Value = serde_json::from_str(&line).unwrap();
    let page = printed["page"].as_str().unwrap().to_owned();
    let (host, path) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut client = TcpStream::connect(host).unwrap();
    write!(client, "GET /{path}events HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut events = BufReader::new(client);
    let mut next = || loop {
        let mut line = String::new();
        assert!(events.read_line(&mut line).unwrap() > 0, "the stream has ended");
        if let Some(event) = line.strip_prefix("data: ") {
            return serde_json::from_str::<Value>(event).unwrap();
        }
    };
    while next()["figures"] == Value::Array(Vec::new()) {}
    assert!(Command::new("kill").args(["-INT", &training.id().to_string()]).status().unwrap().success());
    let last = loop {
        let update = next();
        if update["is_over"] == true {
            break update;
        }
    };
    assert!(last["status"].as_str().unwrap().starts_with("Interrupted: "), "{last}");
    assert_eq!(last["figures"][2][0], "Test accuracy, fixed point");
    training.wait().unwrap();
    assert!(watch.wait().unwrap().success());
    let mut log = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(
        log.contains("epoch 1/100000: ") && log.contains(" images/s, ") && log.contains("interrupted: test"),
        "{log}"
    );
    assert!(!project.path().join("run/progress.jsonl").exists());
    failure(project.run(&["watch", "run"]), 1, &["the training of run is finished", "host-trainer report run"]);
}

#[test]
fn what_cannot_be_watched_is_named() {
    let project = Project::new();
    failure(project.run(&["watch", "absent"]), 1, &["absent does not exist", "host-trainer train --run absent"]);
    failure(project.run(&["watch", "data"]), 1, &["no process trains data"]);
    failure(project.run(&["watch", "data", "--port", "0"]), 2, &["--port"]);
    let run = project.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("progress.jsonl"), "{\"network\":\"a\",\"epochs\":9,\"images\":1}\n").unwrap();
    failure(project.run(&["watch", "run"]), 1, &["no process trains run", "after epoch 0"]);
    let lock = fs::File::open(&run).unwrap();
    lock.lock().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    failure(project.run(&["watch", "run", "--port", &port]), 1, &[&port, "is in use", "--port"]);
    fs::write(run.join("progress.jsonl"), "x\n").unwrap();
    failure(project.run(&["watch", "run"]), 1, &["run/progress.jsonl is damaged"]);
}
