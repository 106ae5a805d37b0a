//! Ways around the rules, tried on the real server: other spellings of paths, pages of other origins, other people's requests, floods.

mod events;
mod floods;
mod origins;
mod paths;
mod requests;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use windlass_tests::{PATIENCE, Server};

/// Sends a request as it is, which no client library would, and reads the whole answer.
async fn raw(server: &Server, head: &str) -> String {
    let ask = async {
        let mut socket = TcpStream::connect(server.address()).await.expect("the server listens");
        socket.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    };
    timeout(PATIENCE, ask).await.unwrap_or_else(|_| panic!("no answer to {head}"))
}

/// The status of an answer.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {answer:?}"))
}
