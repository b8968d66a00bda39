//! New images in a folder.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};

/// Time after a file's last change in which it may become readable.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Ends of names of images, in lower case.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];

/// A folder, and the images seen in it.
pub struct Watch {
    folder: PathBuf,
    seen: BTreeMap<PathBuf, Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    version: Version,
    /// Time of the first look at this version; `None` if it is closed.
    since: Option<Instant>,
}

/// The state of a file, from its metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    length: u64,
    modified: SystemTime,
}

impl Watch {
    /// Returns a watch on `folder`, whose present images are not new.
    pub fn new(folder: &Path, now: Instant) -> Result<Self> {
        let mut watch = Self { folder: folder.to_owned(), seen: BTreeMap::new() };
        watch.look(now)?;
        watch.seen.values_mut().for_each(|seen| seen.since = None);
        Ok(watch)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns images that are new or changed, and have not changed since the last look. The
    /// oldest is the first.
    pub fn look(&mut self, now: Instant) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read the folder {}", self.folder.display()))?;
        let paths = entries.into_iter().map(|entry| entry.path()).filter(|path| is_image(path));
        // A file may be gone already.
        let versions = paths.filter_map(|path| Some((Version::of(&fs::metadata(&path).ok()?)?, path)));
        let mut ready = Vec::new();
        let mut seen = BTreeMap::new();
        for (version, path) in versions {
            let before = self.seen.get(&path).copied().filter(|before| before.version == version);
            if before.is_some_and(|before| before.since.is_some()) {
                ready.push((version.modified, path.clone()));
            }
            seen.insert(path, before.unwrap_or(Seen { version, since: Some(now) }));
        }
        self.seen = seen;
        ready.sort();
        Ok(ready.into_iter().map(|(_, path)| path).collect())
    }

    /// Returns true if the image may still become readable.
    pub fn has_patience(&self, image: &Path, now: Instant) -> bool {
        let since = self.seen.get(image).and_then(|seen| seen.since);
        since.is_some_and(|since| now.saturating_duration_since(since) < PATIENCE)
    }

    /// Makes an image old, until it changes.
    pub fn close(&mut self, image: &Path) {
        if let Some(seen) = self.seen.get_mut(image) {
            seen.since = None;
        }
    }
}

impl Version {
    /// Returns `None` if it is not a file.
    fn of(metadata: &Metadata) -> Option<Self> {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        metadata.is_file().then_some(Self { length: metadata.len(), modified })
    }
}

/// Returns true if the name is that of an image; programs hide unfinished files with a dot.
fn is_image(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let is_named = |extension: &str| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    !is_hidden && path.extension().and_then(|extension| extension.to_str()).is_some_and(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_new_once_it_has_stopped_changing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old.png"), "old").unwrap();
        let start = Instant::now();
        let mut watch = Watch::new(folder.path(), start).unwrap();
        let look = |watch: &mut Watch| watch.look(start).unwrap();
        for name in ["half.JPG", ".hidden.png", "half.jpg.part", "text.txt"] {
            fs::write(path(name), "1").unwrap();
        }
        fs::create_dir(path("folder.png")).unwrap();
        assert!(look(&mut watch).is_empty());
        fs::write(path("half.JPG"), "12").unwrap();
        assert!(look(&mut watch).is_empty());
        assert_eq!(look(&mut watch), [path("half.JPG")]);
        assert_eq!(look(&mut watch), [path("half.JPG")]);
        watch.close(&path("half.JPG"));
        assert!(look(&mut watch).is_empty());
        // A camera may replace its last image.
        fs::write(path("half.JPG"), "123").unwrap();
        fs::write(path("old.png"), "changed").unwrap();
        assert!(look(&mut watch).is_empty());
        assert_eq!(look(&mut watch).len(), 2);
        fs::remove_file(path("old.png")).unwrap();
        assert_eq!(look(&mut watch), [path("half.JPG")]);
        assert_eq!(watch.seen.len(), 1);
    }

    #[test]
    fn patience_ends_some_time_after_the_last_change() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.png");
        let start = Instant::now();
        let mut watch = Watch::new(folder.path(), start).unwrap();
        fs::write(&image, "1").unwrap();
        watch.look(start).unwrap();
        assert!(watch.has_patience(&image, start) && !watch.has_patience(&image, start + PATIENCE));
        fs::write(&image, "12").unwrap();
        watch.look(start + PATIENCE).unwrap();
        assert!(watch.has_patience(&image, start + PATIENCE));
        watch.close(&image);
        assert!(!watch.has_patience(&image, start + PATIENCE));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Watch::new(&folder.path().join("absent"), Instant::now()).err().unwrap().to_string();
        assert!(error.contains("cannot read the folder") && error.contains("absent"), "{error}");
    }
}
