//! Downloads Fashion-MNIST into the user's cache.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::ProgressBar;
use ureq::Agent;

use super::{DatasetError, IdxFile, checksum, hex, names};
use crate::support::gunzip::Gunzip;
use crate::support::{files, progress};

/// The data set's public address. Plain HTTP is safe, because every file's SHA-256 is checked.
const ADDRESS: &str = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

/// The largest file has 26 MB, and 47 MB decompressed.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Downloads the files that `cache` lacks, and returns `cache`.
///
/// # Errors
///
/// Returns an error if a download fails or has the wrong content, or if the cache cannot be written
/// to. Incomplete files are not kept.
pub fn fill(cache: &Path) -> Result<PathBuf, DatasetError> {
    fill_from(ADDRESS, cache)
}

fn fill_from(address: &str, cache: &Path) -> Result<PathBuf, DatasetError> {
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_recv_body(Some(Duration::from_secs(1800)))
        .build()
        .into();
    files::create_folder(cache).map_err(DatasetError::Cache)?;
    for file in IdxFile::ALL.into_iter().filter(|file| names::find(*file, cache).is_none()) {
        let name = format!("{}.gz", file.name());
        let address = format!("{address}{name}");
        let bytes = get(&agent, &address)?;
        check(file, &bytes).map_err(|reason| DatasetError::Downloaded { address, reason })?;
        files::write(&cache.join(name), &bytes).map_err(DatasetError::Cache)?;
    }
    Ok(cache.to_owned())
}

fn get(agent: &Agent, address: &str) -> Result<Vec<u8>, DatasetError> {
    let fail = |source| DatasetError::Download { address: address.to_owned(), source: Box::new(source) };
    let mut response = agent.get(address).call().map_err(fail)?;
    let bar = progress::bytes(response.body().content_length(), address);
    let body = response.body_mut().with_config().limit(MAX_FILE_BYTES).reader();
    let bytes = read_all(body, &bar).map_err(|source| fail(source.into()))?;
    bar.finish_and_clear();
    Ok(bytes)
}

fn read_all(body: impl Read, bar: &ProgressBar) -> Result<Vec<u8>, std::io::Error> {
    let mut bytes = Vec::new();
    bar.wrap_read(body).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the reason if `bytes` are not Fashion-MNIST's `file`, gzipped.
fn check(file: IdxFile, bytes: &[u8]) -> Result<(), String> {
    let mut content = Vec::new();
    Gunzip::new(bytes)
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut content)
        .map_err(|error| format!("it does not decompress: {error}"))?;
    let (found, expected) = (hex(&checksum::sha256(&content)), checksum::fashion_mnist(file));
    if found == expected { Ok(()) } else { Err(format!("SHA-256 {found}, expected {expected}")) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one request with `answer` on another thread, and returns the address.
    fn serve_once(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap());
            for line in request.lines().map_while(Result::ok) {
                if line.is_empty() {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    fn assert_nothing_is_kept(answer: &'static str, expected: &str) {
        let root = tempfile::tempdir().unwrap();
        let cache = root.path().join("cache");
        let address = serve_once(answer);
        let error = anyhow::Error::from(fill_from(&address, &cache).unwrap_err());
        assert!(format!("{error:#}").contains(expected), "{error:#}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    }

    #[test]
    fn another_file_is_refused() {
        assert_nothing_is_kept("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "it does not decompress");
    }

    #[test]
    fn a_missing_file_is_reported() {
        assert_nothing_is_kept("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404");
    }

    #[test]
    fn a_broken_connection_is_reported() {
        assert_nothing_is_kept("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "--data");
    }

    #[test]
    fn a_refused_connection_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = fill_from(&address, root.path()).unwrap_err();
        assert!(error.to_string().contains("install Debian's dataset-fashion-mnist"), "{error}");
    }
}
