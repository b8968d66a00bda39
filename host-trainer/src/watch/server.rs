//! A small HTTP server on the loopback interface: four files, one of them a stream of events.
//! Bounded in clients, bytes and time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::channel::{Channel, Published};
use super::page::{PAGE, SCRIPT, STYLE};
use super::request::{MAX_HEAD, Refusal, Route, Secret, route};

/// Most connections at a time.
const MAX_CLIENTS: usize = 16;

/// Time in which a request must have come, and in which each write must succeed.
const LIMIT: Duration = Duration::from_secs(5);

/// Time between two signs of life in a stream: writing one notices a client that has gone.
const PAUSE: Duration = Duration::from_secs(10);

/// Pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The page may load its own files, and images that its script makes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why no page can be served.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("port {port} of 127.0.0.1 is in use; name another with --port, or leave it out for a free one")]
    Taken { port: u16 },
    #[error("cannot listen at port {port} of 127.0.0.1")]
    Listen { port: u16, source: io::Error },
    #[error("the system gives no random numbers for a secret address: {0}")]
    Random(getrandom::Error),
    #[error("cannot start a thread")]
    Thread(io::Error),
}

/// A server that runs until the program ends.
#[derive(Debug)]
pub struct Server {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    secret: Secret,
    channel: Channel,
    /// Connections that are open.
    clients: AtomicUsize,
}

impl Server {
    /// Serves the page at `port` of 127.0.0.1, or at a free one if it is 0.
    pub fn start(port: u16) -> Result<Self, ServerError> {
        let fail = |source: io::Error| match source.kind() {
            ErrorKind::AddrInUse => ServerError::Taken { port },
            _ => ServerError::Listen { port, source },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        let secret = Secret::new().map_err(ServerError::Random)?;
        let address = format!("http://127.0.0.1:{port}/{}/", secret.as_str());
        let shared = Arc::new(Shared { port, secret, channel: Channel::default(), clients: AtomicUsize::new(0) });
        let serving = Arc::clone(&shared);
        let accept = move || {
            listener.incoming().for_each(|client| match client {
                Ok(client) => Shared::accept(&serving, client),
                // Such as too many open files.
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            })
        };
        thread::Builder::new().name("watch".to_owned()).spawn(accept).map_err(ServerError::Thread)?;
        Ok(Self { address, shared })
    }

    /// Returns the page's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends `update` to all open pages, and to those that are opened later.
    pub fn publish(&self, update: String) {
        self.shared.channel.publish(update, false);
    }

    /// Sends the last `update`, and waits until all open pages have it.
    pub fn finish(&self, update: String) {
        self.shared.channel.publish(update, true);
        let deadline = Instant::now() + LIMIT;
        while self.shared.clients.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Shared {
    /// Answers a client in a thread of its own. Clients that are too many are refused.
    fn accept(shared: &Arc<Self>, mut client: TcpStream) {
        let _ = client.set_write_timeout(Some(LIMIT));
        let place = Place::take(shared);
        if shared.clients.load(Ordering::SeqCst) > MAX_CLIENTS {
            let _ = refuse(&mut client, Refusal::Busy);
            return;
        }
        // Without a thread, the client is dropped.
        let _ = thread::Builder::new().spawn(move || {
            let _ = place.0.answer(&mut client);
        });
    }

    fn answer(&self, client: &mut TcpStream) -> io::Result<()> {
        match self.read(client)? {
            Route::Page => respond(client, "200 OK", "text/html; charset=utf-8", PAGE),
            Route::Script => respond(client, "200 OK", "text/javascript; charset=utf-8", SCRIPT),
            Route::Style => respond(client, "200 OK", "text/css; charset=utf-8", STYLE),
            Route::Events => self.stream(client),
            Route::Refused(refusal) => refuse(client, refusal),
            // The client has closed the connection.
            Route::Incomplete => Ok(()),
        }
    }

    /// Reads a request.
    fn read(&self, client: &mut TcpStream) -> io::Result<Route> {
        let deadline = Instant::now() + LIMIT;
        let (mut head, mut length) = ([0; MAX_HEAD], 0);
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            client.set_read_timeout(Some(left))?;
            let count = client.read(&mut head[length..])?;
            length += count;
            match route(&head[..length], self.port, &self.secret) {
                Route::Incomplete if count > 0 && Instant::now() < deadline => {}
                found => return Ok(found),
            }
        }
    }

    /// Sends updates as server-sent events until the last one, or until the client has gone.
    fn stream(&self, client: &mut TcpStream) -> io::Result<()> {
        client.write_all(head("200 OK", "text/event-stream; charset=utf-8").as_bytes())?;
        client.write_all(b"\r\n")?;
        let mut seen = 0;
        loop {
            // JSON has no line breaks.
            let (text, is_last) = match self.channel.after(seen, PAUSE) {
                Some(Published { number, text, is_last }) => {
                    seen = number;
                    (format!("data: {text}\n\n"), is_last)
                }
                None => (": waiting\n\n".to_owned(), false),
            };
            client.write_all(text.as_bytes())?;
            client.flush()?;
            if is_last {
                return Ok(());
            }
        }
    }
}

/// A place among the clients, until it is dropped.
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Self {
        shared.clients.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Returns the first lines of a response, without the empty one.
fn head(status: &str, kind: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Security-Policy: {POLICY}\r\nCache-Control: \
         no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: \
         same-origin\r\nConnection: close\r\n"
    )
}

fn respond(client: &mut TcpStream, status: &str, kind: &str, content: &str) -> io::Result<()> {
    let head = head(status, kind) + &format!("Content-Length: {}\r\n\r\n", content.len());
    client.write_all(head.as_bytes())?;
    client.write_all(content.as_bytes())
}

fn refuse(client: &mut TcpStream, refusal: Refusal) -> io::Result<()> {
    respond(client, refusal.status(), "text/plain; charset=utf-8", refusal.status())?;
    // Closing a connection with unread bytes would reset it, and lose the response.
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(Duration::from_millis(100)))?;
    client.read(&mut [0; MAX_HEAD]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `request` and returns the whole response.
    fn ask(server: &Server, request: &str) -> String {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, server.shared.port)).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap();
        response
    }

    fn get(server: &Server, file: &str) -> String {
        let Shared { port, secret, .. } = &*server.shared;
        ask(server, &format!("GET /{}/{file} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", secret.as_str()))
    }

    #[test]
    fn the_page_is_served_with_its_policy_and_others_are_refused() {
        let server = Server::start(0).unwrap();
        let page = get(&server, "");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("default-src 'none'"), "{page}");
        assert!(page.ends_with("</html>") && page.contains("no-referrer"), "{page}");
        assert!(get(&server, "watch.js").contains("EventSource") && get(&server, "style.css").contains("--ground"));
        assert!(get(&server, "other").starts_with("HTTP/1.1 404 "));
        let foreign = format!("GET {} HTTP/1.1\r\nHost: example.org\r\n\r\n", &server.address()[21..]);
        assert!(ask(&server, &foreign).starts_with("HTTP/1.1 403 "));
    }

    #[test]
    fn updates_are_streamed_up_to_the_last_one() {
        let server = Server::start(0).unwrap();
        server.publish("{\"a\":1}".to_owned());
        thread::scope(|scope| {
            let stream = scope.spawn(|| get(&server, "events"));
            while server.shared.clients.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            server.finish("{\"a\":2}".to_owned());
            let stream = stream.join().unwrap();
            assert!(stream.contains("text/event-stream") && stream.ends_with("data: {\"a\":2}\n\n"), "{stream}");
        });
        assert_eq!(server.shared.clients.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_taken_port_is_named() {
        let server = Server::start(0).unwrap();
        let error = Server::start(server.shared.port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {} ", server.shared.port)) && error.contains("--port"), "{error}");
    }

    #[test]
    fn too_many_clients_are_refused() {
        let server = Server::start(0).unwrap();
        let idle: Vec<TcpStream> =
            (0..MAX_CLIENTS).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, server.shared.port)).unwrap()).collect();
        while server.shared.clients.load(Ordering::SeqCst) < MAX_CLIENTS {
            thread::yield_now();
        }
        assert!(get(&server, "").starts_with("HTTP/1.1 503 "));
        drop(idle);
        while server.shared.clients.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        assert!(get(&server, "").starts_with("HTTP/1.1 200 "));
    }
}
