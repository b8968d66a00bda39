//! The example in C, with the committed model: every logit of the fixture's images.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use parity::Lab;
use prenda::{AnswersHeader, Golden, Record};
use tempfile::TempDir;
use virtual_probe::{Process, QEMU, check_emulator};

use super::Fixture;
use crate::common::{ignored, missing};

/// The name of the example, which `PARITY_REQUIRE` may contain.
pub const C_EXAMPLE: &str = "c-firmware";

/// Returns the trial. It is ignored without QEMU or the example, unless `required` names it.
pub fn trial(lab: &Lab, required: &[String]) -> Trial {
    let name = format!("{C_EXAMPLE}::sweep");
    let elf = lab.firmware.join(format!("{C_EXAMPLE}.elf"));
    let is_there = check_emulator(QEMU, lab.patience).map_err(|error| error.to_string()).and_then(|()| {
        let reason = || format!("{} does not exist; `cargo xtask firmware {C_EXAMPLE}` builds it", elf.display());
        if elf.is_file() { Ok(()) } else { Err(reason()) }
    });
    match is_there {
        Ok(()) => {
            let lab = lab.clone();
            Trial::test(name, move || sweep(elf, &lab))
        }
        Err(reason) if required.iter().any(|name| name == C_EXAMPLE) => missing(C_EXAMPLE, reason),
        Err(reason) => ignored(name, &reason),
    }
}

fn sweep(elf: PathBuf, lab: &Lab) -> Result<(), Failed> {
    let fixture = Fixture::committed()?;
    let view = fixture.view()?;
    let records: Vec<_> = AnswersHeader::parse(&fixture.answers)?.1.collect();
    let images = records.iter().map(|record| record.pixels).collect::<Vec<_>>().concat();
    let expected = view.golden().map(|Golden { logits, .. }| logits);
    let expected = expected.chain(records.iter().map(|Record { logits, .. }| *logits));

    let folder = TempDir::with_prefix("prenda-")?;
    let output = folder.path().join("output");
    fs::write(folder.path().join("images.raw"), images)?;
    let mut command = Command::new(QEMU);
    command.args(["-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]);
    command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(elf);
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(File::create(&output)?);
    let process = Process::spawn(&mut command, folder)?;
    let status = process.wait(lab.patience).ok_or("the example does not end")?;
    let text = fs::read_to_string(&output)?;
    assert!(status.success(), "{status}: {text}");

    let names: Vec<&str> = view.class_names().collect();
    let mut lines = text.lines();
    for logits in expected {
        let line = lines.next().ok_or("the example ends before the last image")?;
        let logits: Vec<i32> = logits.as_chunks().0.iter().map(|logit| i32::from_le_bytes(*logit)).collect();
        let class = prenda::argmax(&logits);
        let logits: String = logits.iter().map(|logit| format!("{logit} ")).collect();
        assert_eq!(line, logits + names[class]);
    }
    assert_eq!(lines.next(), None);
    Ok(())
}
