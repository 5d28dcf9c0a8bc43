//! The live view in the terminal: calls, seats, queues, twice a second. Without a terminal, a line
//! for each change.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use super::story::Heard;
use crate::server::Server;
use crate::store::IncidentSummary;
use crate::switchboard::view::{Board, CallView};
use crate::vocabulary::Lane;

/// What the viewer remembers between two looks.
pub struct Shown {
    terminal: bool,
    height: usize,
    last: String,
}

impl Shown {
    /// Prints where the gateway listens.
    pub fn begin(server: &Server, config: &Path) -> Self {
        let sip: Vec<String> = server
            .sip_listeners()
            .iter()
            .map(|l| format!("{}:{}", l.transport.word(), l.address))
            .collect();
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

/// What came of it.
pub fn finish(heard: Heard, table: &str, reasons: &str) {
    let Heard { callers, before, answered, announced } = heard;
    print(&format!(
        "\nCallers who spoke with somebody: {answered}; RTP packets that reached them: {callers}.\n\
         Callers who heard announcements and music before: {announced}; packets: {before}.\n\
         \nIncident records that this demo wrote:\n\n{table}\n\
         What they say of who waited otherwise, and of what was heard:\n\n{reasons}"
    ));
}

/// A line for each call that stood in another lane, or of whom something was heard while waiting;
/// the oldest first.
pub fn reasons(incidents: &[IncidentSummary]) -> String {
    let mut text = String::new();
    for incident in incidents.iter().rev() {
        let heard = incident.heard.as_ref().map(|heard| format!("heard: {heard}"));
        let said: Vec<String> = incident.lane_why.clone().into_iter().chain(heard).collect();
        if !said.is_empty() {
            let (number, lane) = (incident.number(), &incident.lane);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{number:<15} {lane:<8} {}", said.join("; "));
        }
    }
    text
}

/// The last words.
pub fn farewell(folder: &Path, temporary: bool, stay: bool) {
    if !temporary {
        print(&format!("\nData: {}\n", folder.display()));
    } else if !stay {
        print("\nThe demo's data was temporary and is gone.\n");
    }
}

/// How to reach the gateway that stays up.
pub fn stay(server: &Server, config: &Path) {
    print(&format!(
        "\nThe gateway stays up; Ctrl-C ends it.\n  \
         curl -H 'Authorization: Bearer demo' http://{}/api/v1/incidents\n  \
         siaga112 incidents list --reason demo --config {}\n",
        server.console_address(),
        config.display()
    ));
}

/// The board; no line is wider than 79 columns, for one that wraps would spoil the way back up.
fn picture(board: &Board) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", rule("calls"));
    let _ = writeln!(
        text,
        "  {:<15} {:<14} {:<9} {:<10} {:<8} {:<8}   age",
        "caller", "dialled", "note", "queue", "state", "seat"
    );
    for call in &board.calls {
        let _ = writeln!(
            text,
            "  {:<15} {:<14} {:<9} {:<10} {:<8} {:<8} {:>4}s",
            cut(call.caller.reveal(), 15),
            cut(call.dialled.trim_start_matches("urn:service:"), 14),
            cut(note(call), 9),
            cut(call.queue.as_ref().map_or("-", |q| q.as_str()), 10),
            cut(&call.state, 8),
            cut(call.seat.as_ref().map_or("-", |s| s.as_str()), 8),
            call.age_seconds.min(9999),
        );
    }
    let _ = writeln!(text, "{}", rule("seats"));
    for seat in board.seats.iter().filter(|s| s.phones > 0) {
        let operator = seat.operator.as_ref().map_or("", |o| o.as_str());
        let _ = writeln!(
            text,
            "  {:<10} {:<20} {:<10} {:>4}s",
            cut(seat.seat.as_str(), 10),
            cut(operator, 20),
            cut(&seat.state, 10),
            seat.seconds.min(9999)
        );
    }
    let _ = writeln!(text, "{}", rule("queues"));
    for queue in &board.queues {
        let _ = writeln!(
            text,
            "  {:<10} waiting {:<3} ringing {:<3} oldest {:>4}s  ready seats {}/{}",
            cut(queue.queue.as_str(), 10),
            queue.waiting.min(999),
            queue.ringing.min(999),
            queue.oldest_seconds.min(9999),
            queue.ready_seats,
            queue.seats
        );
    }
    text
}

/// What is special about a call: its lane, or what is known of the caller.
fn note(call: &CallView) -> &str {
    match call.lane {
        Lane::Usual => call.flags.first().map_or("", String::as_str),
        lane => lane.word(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switchboard::view::{QueueView, SeatView};
    use crate::vocabulary::{AnswerMode, CallId, IncidentId, Private, Uid, WallTime};

    #[test]
    fn no_line_of_the_picture_wraps() {
        let long = "a-name-that-is-as-long-as-a-name-may-be";
        let id = Uid::new(WallTime(1), 1);
        let call = CallView {
            call: CallId(id),
            incident: IncidentId(id),
            trunk: Some(long.into()),
            from_seat: None,
            caller: Private::new(long.to_owned()),
            brief: Default::default(),
            dialled: long.to_owned(),
            state: long.to_owned(),
            queue: Some(long.into()),
            lane: Lane::Nuisance,
            priority: 9,
            wants: Vec::new(),
            flags: Vec::new(),
            keys: "0".repeat(32),
            seat: Some(long.into()),
            answer: AnswerMode::OnAgent,
            received_at: WallTime(1),
            age_seconds: u64::MAX,
            answered_after_seconds: None,
            parties: Vec::new(),
            chain: None,
            private: false,
            quality: Default::default(),
            on_hold: false,
            place: Default::default(),
            locations: Vec::new(),
            cell: None,
        };
        let seat = SeatView {
            seat: long.into(),
            operator: Some(long.into()),
            state: long.to_owned(),
            reason: String::new(),
            pauses: Vec::new(),
            wrap_up_until: None,
            talks: 0,
            phones: 1,
            desk_phones: 0,
            signed_in: None,
            call: None,
            seconds: u64::MAX,
            queues: Vec::new(),
        };
        let queue = QueueView {
            queue: long.into(),
            waiting: usize::MAX,
            lanes: [usize::MAX; 3],
            ringing: usize::MAX,
            oldest_seconds: u64::MAX,
            ready_seats: 1000,
            seats: 1000,
        };
        let board =
            Board { calls: vec![call], seats: vec![seat], queues: vec![queue], ..Board::default() };
        let picture = picture(&board);
        assert_eq!(picture.lines().count(), 7);
        for line in picture.lines() {
            assert!(line.chars().count() <= 79, "{line:?}");
        }
    }
}
