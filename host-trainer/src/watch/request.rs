//! Decides what a request gets. Other pages in the same browser, and other users of the computer,
//! must not read a training: a request needs the secret in its path and, against DNS rebinding,
//! this server's own name as its host.

use std::fmt::Write;

use httparse::{EMPTY_HEADER, Request, Status};
use sha2::{Digest, Sha256};

/// Most bytes of a request. Browsers send less than one KiB.
pub const MAX_HEAD: usize = 8 << 10;

const MAX_HEADERS: usize = 64;

/// Random bytes of the secret.
const SECRET_BYTES: usize = 16;

/// The secret part of the address.
#[derive(Clone, Debug)]
pub struct Secret(String);

impl Secret {
    /// Takes random bytes from the system.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares hashes: the time that this takes is the same for all wrong guesses.
    fn is(&self, guess: &str) -> bool {
        Sha256::digest(guess) == Sha256::digest(&self.0)
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// More bytes are needed.
    Incomplete,
    Page,
    Script,
    Style,
    Events,
    Refused(Refusal),
}

/// The reason for no content: the status line of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed,
    Method,
    Host,
    NotFound,
    TooLarge,
    Busy,
}

impl Refusal {
    pub fn status(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::Method => "405 Method Not Allowed",
            Self::Host => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Busy => "503 Service Unavailable",
        }
    }
}

/// Returns the answer to a request whose first bytes are `head`, at `port` of this computer.
pub fn route(head: &[u8], port: u16, secret: &Secret) -> Route {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) if head.len() < MAX_HEAD => return Route::Incomplete,
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Route::Refused(Refusal::TooLarge),
        Err(_) => return Route::Refused(Refusal::Malformed),
    }
    let hosts: Vec<&[u8]> = request
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("host"))
        .map(|host| host.value)
        .collect();
    // Browsers leave out the default port.
    let end = if port == 80 { String::new() } else { format!(":{port}") };
    let names = ["127.0.0.1", "localhost"].map(|name| format!("{name}{end}"));
    let [host] = hosts.as_slice() else { return Route::Refused(Refusal::Malformed) };
    if !names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host)) {
        return Route::Refused(Refusal::Host);
    }
    let parts = request.path.and_then(|path| path.strip_prefix('/')?.split_once('/'));
    let Some((_, file)) = parts.filter(|(guess, _)| secret.is(guess)) else {
        return Route::Refused(Refusal::NotFound);
    };
    match file {
        _ if request.method != Some("GET") => Route::Refused(Refusal::Method),
        "" => Route::Page,
        "watch.js" => Route::Script,
        "style.css" => Route::Style,
        "events" => Route::Events,
        _ => Route::Refused(Refusal::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PORT: u16 = 4321;

    fn secret() -> Secret {
        Secret("0123456789abcdef".to_owned())
    }

    fn get(path: &str, host: &str) -> Route {
        route(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), PORT, &secret())
    }

    #[test]
    fn the_secret_path_of_this_host_has_the_page() {
        for (path, route) in
            [("", Route::Page), ("watch.js", Route::Script), ("style.css", Route::Style), ("events", Route::Events)]
        {
            for host in ["127.0.0.1:4321", "LocalHost:4321"] {
                assert_eq!(get(&format!("/0123456789abcdef/{path}"), host), route);
            }
        }
    }

    #[test]
    fn other_paths_hosts_and_methods_are_refused() {
        let own = "127.0.0.1:4321";
        for path in
            ["/", "/0123456789abcdef", "/0123456789abcdee/", "/0123456789ABCDEF/", "/0123456789abcdef/x", "//", "*"]
        {
            assert_eq!(get(path, own), Route::Refused(Refusal::NotFound), "{path}");
        }
        for host in ["example.org:4321", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4321.example.org", ""] {
            assert_eq!(get("/0123456789abcdef/", host), Route::Refused(Refusal::Host), "{host}");
        }
        let head = |text: &str| route(text.as_bytes(), PORT, &secret());
        let post = "POST /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:4321\r\n\r\n";
        assert_eq!(head(post), Route::Refused(Refusal::Method));
        let two = "GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:4321\r\nHost: example.org\r\n\r\n";
        assert_eq!(head(two), Route::Refused(Refusal::Malformed));
        assert_eq!(head("GET / HTTP/1.1\r\n\r\n"), Route::Refused(Refusal::Malformed));
        assert_eq!(head("\x16\x03\x01\x02"), Route::Refused(Refusal::Malformed));
    }

    #[test]
    fn long_requests_are_refused() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX_HEAD));
        assert_eq!(route(&long.as_bytes()[..100], PORT, &secret()), Route::Incomplete);
        assert_eq!(route(&long.as_bytes()[..MAX_HEAD], PORT, &secret()), Route::Refused(Refusal::TooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(route(many.as_bytes(), PORT, &secret()), Route::Refused(Refusal::TooLarge));
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let [one, other] = [(); 2].map(|()| Secret::new().unwrap());
        assert_eq!(one.as_str().len(), 2 * SECRET_BYTES);
        assert!(!one.is(other.as_str()) && one.is(one.as_str()));
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = route(&head, PORT, &secret());
            prop_assert!(matches!(answer, Route::Incomplete | Route::Refused(_)));
        }
    }
}
