//! The live view in the terminal: calls, seats, queues, twice a second. Without a terminal, a line
//! for each change.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use super::story::Heard;
use crate::server::Server;
use crate::switchboard::view::Board;

/// What the viewer remembers between two looks.
pub struct Shown {
    terminal: bool,
    height: usize,
    last: String,
}

impl Shown {
    /// Prints where the gateway listens.
    pub fn begin(server: &Server, config: &Path) -> Self {
        let sip: Vec<String> = server.sip_addresses().iter().map(|a| format!("udp:{a}")).collect();
        print(&format!(
            "Siaga112 demo: SIP {}, console http://{}, configuration {}\n\n",
            sip.join(" "),
            server.console_address(),
            config.display()
        ));
        let terminal = std::io::stdout().is_terminal();
        Self { terminal, height: 0, last: String::new() }
    }

    fn show(&mut self, board: &Board) {
        let text = if self.terminal { picture(board) } else { line(board) };
        if text == self.last {
            return;
        }
        if self.terminal && self.height > 0 {
            // Back to the first line of the picture before this one.
            print(&format!("\x1b[{}A\x1b[J", self.height));
        }
        print(&text);
        self.height = text.lines().count();
        self.last = text;
    }
}

/// Shows the board until the story is over and the last call has ended.
///
/// # Errors
/// What the story says went wrong.
pub async fn show(
    server: &Server,
    story: impl Future<Output = std::io::Result<Heard>> + Send + 'static,
    mut shown: Shown,
) -> anyhow::Result<Heard> {
    let story = tokio::spawn(story);
    let mut beat = tokio::time::interval(Duration::from_millis(500));
    loop {
        beat.tick().await;
        let board = server.board().await?;
        shown.show(&board);
        if story.is_finished() && board.calls.is_empty() {
            break;
        }
    }
    Ok(story.await??)
}

/// The last words.
pub fn finish(heard: Heard, table: &str, folder: &Path, temporary: bool, stay: bool) {
    print(&format!(
        "\nCallers who spoke with somebody: {}; RTP packets that reached callers: {}.\n",
        heard.answered, heard.callers
    ));
    print(&format!("\nIncident records that this demo wrote:\n\n{table}\n"));
    if !temporary {
        print(&format!("Data: {}\n", folder.display()));
    } else if !stay {
        print("The demo's data was temporary and is gone.\n");
    }
}

/// How to reach the gateway that stays up.
pub fn stay(server: &Server, config: &Path) {
    print(&format!(
        "\nThe gateway stays up; Ctrl-C ends it.\n  \
         curl -H 'Authorization: Bearer demo' http://{}/api/v1/incidents\n  \
         siaga112 incidents list --config {}\n",
        server.console_address(),
        config.display()
    ));
}

fn picture(board: &Board) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", rule("calls"));
    let _ = writeln!(
        text,
        "  {:<18} {:<16} {:<10} {:<9} {:<9} {:<7} age",
        "caller", "dialled", "trunk", "queue", "state", "seat"
    );
    for call in &board.calls {
        let _ = writeln!(
            text,
            "  {:<18} {:<16} {:<10} {:<9} {:<9} {:<7} {:>3} s",
            cut(call.caller.reveal(), 18),
            cut(call.dialled.trim_start_matches("urn:service:"), 16),
            cut(call.trunk.as_str(), 10),
            call.queue.as_ref().map_or("-", |q| q.as_str()),
            call.state,
            call.seat.as_ref().map_or("-", |s| s.as_str()),
            call.age_seconds,
        );
    }
    let _ = writeln!(text, "{}", rule("seats"));
    for seat in board.seats.iter().filter(|s| s.phones > 0) {
        let operator = seat.operator.as_ref().map_or("", |o| o.as_str());
        let _ = writeln!(
            text,
            "  {:<10} {:<12} {:<10} {:>3} s",
            seat.seat, operator, seat.state, seat.seconds
        );
    }
    let _ = writeln!(text, "{}", rule("queues"));
    for queue in &board.queues {
        let _ = writeln!(
            text,
            "  {:<10} waiting {:<3} of these ringing {:<3} oldest {:>3} s   ready seats {}/{}",
            queue.queue,
            queue.waiting,
            queue.ringing,
            queue.oldest_seconds,
            queue.ready_seats,
            queue.seats
        );
    }
    text
}

fn rule(title: &str) -> String {
    format!("── {title} {}", "─".repeat(72 - title.len()))
}

fn cut(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

fn line(board: &Board) -> String {
    let count = |state: &str| board.calls.iter().filter(|c| c.state == state).count();
    let seats: Vec<String> = board
        .seats
        .iter()
        .filter(|s| s.phones > 0)
        .map(|s| format!("{} {}", s.seat, s.state))
        .collect();
    format!(
        "waiting {} ringing {} talking {} test {} | {}\n",
        count("waiting"),
        count("ringing"),
        count("talking"),
        count("test"),
        seats.join(", ")
    )
}

/// Prints; a closed terminal is no reason to stop the calls.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
