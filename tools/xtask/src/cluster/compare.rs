//! Compares the folders of runs, except for what depends on the time and the place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Fields of records that differ between two equal trainings.
const OWN: [&str; 4] = ["seconds", "train_seconds", "date", "command"];

/// Compares all files below `left` and `right`, and returns their count.
///
/// # Errors
///
/// Names the first file that only one folder has, or that differs.
pub fn folders(left: &Path, right: &Path) -> Result<usize> {
    let (names, others) = (files(left)?, files(right)?);
    if let Some(name) = names.symmetric_difference(&others).next() {
        let folder = if names.contains(name) { right } else { left };
        bail!("{} is missing in {}", name.display(), folder.display());
    }
    if names.is_empty() {
        bail!("{} is empty", left.display());
    }
    for name in &names {
        if content(&left.join(name))? != content(&right.join(name))? {
            bail!("{} differs between {} and {}", name.display(), left.display(), right.display());
        }
    }
    Ok(names.len())
}

/// Returns the paths of all files below `folder`, relative to it.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        let entries = fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", path.display()))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    Ok(found)
}

/// Returns the content of a file, of a record without the fields in [`OWN`].
fn content(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if path.extension().is_none_or(|extension| extension != "json") {
        return Ok(bytes);
    }
    let mut record: Value =
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))?;
    remove(&mut record);
    Ok(record.to_string().into_bytes())
}

fn remove(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OWN.contains(&name.as_str()));
            fields.values_mut().for_each(remove);
        }
        Value::Array(values) => values.iter_mut().for_each(remove),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_differ_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (left, right) = (folder.path().join("left"), folder.path().join("right"));
        for folder in [&left, &right] {
            fs::create_dir_all(folder.join("run")).unwrap();
            fs::write(folder.join("run/model.bin"), [1, 2]).unwrap();
        }
        fs::write(left.join("run/history.json"), r#"[{"loss": 1.5, "seconds": 2.0}]"#).unwrap();
        let write = |text: &str| fs::write(right.join("run/history.json"), text).unwrap();
        write(r#"[{"loss": 1.5, "seconds": 3.0}]"#);
        assert_eq!(folders(&left, &right).unwrap(), 2);
        write(r#"[{"loss": 1.25, "seconds": 2.0}]"#);
        assert!(folders(&left, &right).unwrap_err().to_string().contains("history.json differs"));
        write(r#"[{"loss": 1.5, "seconds": 2.0}]"#);
        fs::write(right.join("run/model.bin"), [1, 3]).unwrap();
        assert!(folders(&left, &right).unwrap_err().to_string().contains("model.bin differs"));
        fs::remove_file(right.join("run/model.bin")).unwrap();
        assert!(folders(&left, &right).unwrap_err().to_string().contains("model.bin is missing"));
    }
}
