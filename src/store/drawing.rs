//! Draws a ladder for a terminal: a life line for each who took part, an arrow for each message.
//!
//! Pure: values in, text out. Nothing from outside reaches the terminal but visible characters.

use std::collections::HashSet;
use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::ladder::{CallLadder, Ladder, LadderMessage};
use crate::sip::{Message, Method, body, parse};

/// The narrowest paper.
const NARROWEST: usize = 80;
/// Where the first life line stands: after the time and what has passed since the line before.
const LEFT: usize = 24;
/// Room between two life lines: `INVITE +SDP (again)` at most, `200 OK` at least.
const GAP: (usize, usize) = (14, 36);
/// How we are called above our life line.
const US: &str = "Siaga112";

/// What is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Columns of the terminal.
    pub width: usize,
    /// Only ASCII.
    pub ascii: bool,
    /// The whole message under each arrow.
    pub whole: bool,
}

/// The characters of a drawing.
struct Pen {
    life: char,
    line: char,
    left: char,
    right: char,
    cut: char,
}

const UNICODE: Pen = Pen { life: '│', line: '─', left: '◀', right: '▶', cut: '…' };
const ASCII: Pen = Pen { life: '|', line: '-', left: '<', right: '>', cut: '~' };

/// Draws all calls of an incident, times in `zone`.
#[must_use]
pub fn draw(ladder: &Ladder, zone: &TimeZone, paper: Paper) -> String {
    let mut text = format!("incident {}\n", ladder.incident);
    for call in &ladder.calls {
        Drawing::new(call, zone, paper, &mut text).draw();
    }
    text
}

/// Somebody with a life line of its own.
struct Column {
    name: String,
    /// The first address seen; empty for the column of all who have none of their own.
    address: String,
    transport: String,
    place: usize,
}

struct Drawing<'a> {
    call: &'a CallLadder,
    zone: &'a TimeZone,
    paper: Paper,
    pen: &'static Pen,
    columns: Vec<Column>,
    /// Which column is ours.
    us: usize,
    out: &'a mut String,
}

impl<'a> Drawing<'a> {
    fn new(call: &'a CallLadder, zone: &'a TimeZone, paper: Paper, out: &'a mut String) -> Self {
        let paper = Paper { width: paper.width.max(NARROWEST), ..paper };
        let pen = if paper.ascii { &ASCII } else { &UNICODE };
        let room = paper.width - 1 - LEFT;
        let columns = columns(call, 1 + room / GAP.0);
        let us = columns.iter().position(|c| c.name == US).unwrap_or_default();
        let mut drawing = Self { call, zone, paper, pen, columns, us, out };
        let gap = (room / drawing.columns.len().saturating_sub(1).max(1)).min(GAP.1);
        for (number, column) in drawing.columns.iter_mut().enumerate() {
            column.place = LEFT + number * gap;
        }
        drawing
    }

    fn draw(mut self) {
        let call = self.call;
        let began = date(call.received_at.0.0, self.zone);
        let _ = write!(self.out, "call     {}, {began}\n\n", call.call);
        if call.messages.is_empty() {
            self.out.push_str("No messages of this call were kept.\n\n");
            return;
        }
        self.legend();
        self.heads();
        let mut seen = HashSet::new();
        let mut before = None;
        for message in &call.messages {
            let again = !seen.insert((
                message.is_received(),
                message.peer().address.as_str(),
                &message.message.0,
            ));
            self.arrow(message, before, again);
            before = Some(message.at.0.0);
        }
        let count = call.messages.len();
        let rest = if call.complete { "" } else { "; there were more, which were not kept" };
        let _ = write!(self.out, "\n{count} messages{rest}\n\n");
    }

    /// Who is where.
    fn legend(&mut self) {
        for column in self.columns.iter().filter(|column| !column.address.is_empty()) {
            let (name, address) = (plain(&column.name), plain(&column.address));
            let line = format!("  {name:<20} {address} {}", column.transport);
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
        self.out.push('\n');
    }

    fn heads(&mut self) {
        let mut line: Vec<char> = format!("{:<12} {:>9}", "time", "after").chars().collect();
        let mut next = usize::MAX;
        let mut placed = Vec::new();
        for (number, column) in self.columns.iter().enumerate().rev() {
            let name: Vec<char> = plain(&column.name).chars().collect();
            let middle = column.place.saturating_sub(name.len() / 2);
            let most = self.paper.width.saturating_sub(name.len());
            // The first begins at its life line, for left of it stand times.
            let start = if number == 0 { column.place } else { middle.min(most).max(LEFT) };
            let room = next.saturating_sub(start + 1).min(self.paper.width.saturating_sub(start));
            placed.push((start, fit(&name, room, self.pen.cut)));
            next = start;
        }
        for (start, name) in placed.into_iter().rev() {
            line.resize(start.max(line.len()), ' ');
            line.extend(name);
        }
        self.line(&line);
    }

    fn arrow(&mut self, message: &LadderMessage, before: Option<i64>, again: bool) {
        let at = message.at.0.0;
        let after = before.map(|before| passed(at - before)).unwrap_or_default();
        let head = format!("{} {after:>9}", clock(at, self.zone));
        let mut line: Vec<char> = head.chars().collect();
        let end = self.columns.last().map_or(LEFT, |column| column.place);
        line.resize(end + 1, ' ');
        for column in &self.columns {
            put(&mut line, column.place, self.pen.life);
        }
        let peer = self.column_of(message);
        let (us, them) = (self.place(self.us), self.place(peer));
        let (first, last) = (us.min(them) + 1, us.max(them).saturating_sub(1));
        for place in first..=last {
            put(&mut line, place, self.pen.line);
        }
        if (them > us) == message.is_received() {
            put(&mut line, first, self.pen.left);
        } else {
            put(&mut line, last, self.pen.right);
        }
        let shared = self.columns.get(peer).is_some_and(|column| column.address.is_empty());
        let whose = if shared { format!("{} ", message.peer().role) } else { String::new() };
        let room = (last + 1).saturating_sub(first + 2);
        let label = label(message, &whose, again, room, self.pen.cut);
        let start = first + (last + 1 - first).saturating_sub(label.len()) / 2;
        for (offset, letter) in label.into_iter().enumerate() {
            put(&mut line, start + offset, letter);
        }
        self.line(&line);
        self.note(message, peer);
        if self.paper.whole {
            self.whole(message);
        }
    }

    /// Says where a message came from or went when that is not what the legend says.
    fn note(&mut self, message: &LadderMessage, peer: usize) {
        let Some(column) = self.columns.get(peer) else { return };
        let usual = column.address == message.peer().address
            && column.transport == message.transport
            && self.columns.get(self.us).is_none_or(|us| us.address == message.own().address);
        if !usual {
            let (from, to) = (&message.from.address, &message.to.address);
            let note = format!("{:LEFT$}  {} from {from} to {to}", "", message.transport);
            self.line(&note.chars().collect::<Vec<_>>());
        }
    }

    fn whole(&mut self, message: &LadderMessage) {
        let text = message.message.display();
        for line in text.trim_end().lines() {
            let _ = writeln!(self.out, "    {}", plain(line).trim_end());
        }
        self.out.push('\n');
    }

    fn column_of(&self, message: &LadderMessage) -> usize {
        let key = key(message);
        let own =
            self.columns.iter().position(|column| (column.name.as_str(), column.key()) == key);
        own.unwrap_or(self.columns.len().saturating_sub(1))
    }

    fn place(&self, column: usize) -> usize {
        self.columns.get(column).map_or(LEFT, |column| column.place)
    }

    fn line(&mut self, line: &[char]) {
        let text: String = line.iter().take(self.paper.width).collect();
        let text = plain(&text);
        let _ = writeln!(self.out, "{}", text.trim_end());
    }
}

impl Column {
    fn key(&self) -> &str {
        if is_trunk(&self.name) { "" } else { &self.address }
    }
}

/// A carrier has one column whatever its addresses; a seat one for each phone.
fn key(message: &LadderMessage) -> (&str, &str) {
    let peer = message.peer();
    (&peer.role, if is_trunk(&peer.role) { "" } else { &peer.address })
}

fn is_trunk(role: &str) -> bool {
    role.starts_with("trunk ")
}

/// The columns: carriers left of us, seats right of us, those that find no room in one together.
fn columns(call: &CallLadder, most: usize) -> Vec<Column> {
    let mut peers: Vec<&LadderMessage> = Vec::new();
    for message in &call.messages {
        if !peers.iter().any(|known| key(known) == key(message)) {
            peers.push(message);
        }
    }
    let column = |message: &&LadderMessage| Column {
        name: message.peer().role.clone(),
        address: message.peer().address.clone(),
        transport: message.transport.clone(),
        place: 0,
    };
    let (trunks, seats): (Vec<_>, Vec<_>) =
        peers.iter().partition(|message| is_trunk(&message.peer().role));
    let mut columns: Vec<Column> = trunks.iter().map(&column).collect();
    let own = call.messages.first().map(|message| message.own().address.clone());
    let own = own.unwrap_or_default();
    columns.push(Column { name: US.to_owned(), address: own, transport: String::new(), place: 0 });
    columns.extend(seats.iter().map(column));
    if columns.len() > most {
        columns.truncate(most.saturating_sub(1).max(2));
        let (name, none) = ("others".to_owned(), String::new());
        columns.push(Column { name, address: none.clone(), transport: none, place: 0 });
    }
    columns
}

/// What stands on an arrow: as much as there is room for.
fn label(message: &LadderMessage, whose: &str, again: bool, room: usize, cut: char) -> Vec<char> {
    let again = if again { " (again)" } else { "" };
    let (short, phrase, to, sdp) = match parse::parse(&message.message.0).map(|read| read.message) {
        Ok(Message::Request(request)) => {
            let sdp = body::sdp(&request.headers, &request.body).is_some();
            (request.method.to_string(), String::new(), String::new(), sdp)
        }
        Ok(Message::Response(response)) => {
            let sdp = body::sdp(&response.headers, &response.body).is_some();
            let method = response.headers.cseq().map(|cseq| cseq.method);
            let to = method.filter(|method| *method != Method::Invite);
            let to = to.map(|method| format!(" to {method}")).unwrap_or_default();
            (response.code.to_string(), format!(" {}", response.phrase), to, sdp)
        }
        Err(_) => (message.first_line.clone(), String::new(), String::new(), false),
    };
    let sdp = if sdp { " +SDP" } else { "" };
    let tries = [
        format!("{whose}{short}{phrase}{to}{sdp}{again}"),
        format!("{whose}{short}{to}{sdp}{again}"),
        format!("{whose}{short}{sdp}{again}"),
        format!("{whose}{short}{again}"),
        format!("{short}{again}"),
    ];
    let letters = |text: &String| plain(text).chars().collect::<Vec<_>>();
    let fitting = tries.iter().map(letters).find(|label| label.len() <= room);
    fitting.unwrap_or_else(|| fit(&letters(&short), room, cut))
}

/// The beginning of a text that finds no room whole.
fn fit(text: &[char], room: usize, cut: char) -> Vec<char> {
    if text.len() <= room {
        return text.to_vec();
    }
    let mut text: Vec<char> = text.iter().take(room.saturating_sub(1)).copied().collect();
    text.extend((room > 0).then_some(cut));
    text
}

fn put(line: &mut [char], place: usize, letter: char) {
    if let Some(cell) = line.get_mut(place) {
        *cell = letter;
    }
}

/// Text from outside, fit for a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2000).collect()
}

fn clock(micros: i64, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    zone.to_datetime(time).strftime("%H:%M:%S%.3f").to_string()
}

fn date(micros: i64, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    let date = zone.to_datetime(time).strftime("%Y-%m-%d").to_string();
    format!("{date}, times of UTC{}", zone.to_offset(time))
}

/// `+0.005`, `+59.900`, `+2m05s`, `+1h02m`.
fn passed(micros: i64) -> String {
    let millis = micros.max(0) / 1000;
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("+{seconds}.{:03}", millis % 1000),
        60..3600 => format!("+{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("+{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
