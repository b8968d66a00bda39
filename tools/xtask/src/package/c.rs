//! A folder with the static library and its header.

use anyhow::Result;

use super::{Folder, Library, table};

pub fn fill(folder: &Folder<'_>, libraries: &[Library]) -> Result<()> {
    folder.copy_libraries(libraries)?;
    folder.write("README.md", &include_str!("c.md").replace("TABLE\n", &table(libraries)))
}
