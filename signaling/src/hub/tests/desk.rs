//! A hub and all its listeners, for short tests.

use shared::Role;

use super::*;
use crate::envelope::Envelope;
use crate::grant::Grant;

/// A hub with everything it said, by recipient.
pub(super) struct Desk {
    pub(super) hub: Hub,
    pub(super) now: Instant,
    pub(super) heard: HashMap<ConnId, Vec<String>>,
    pub(super) closed: HashMap<ConnId, Cause>,
    /// Recipients of each output in order.
    pub(super) last: Vec<ConnId>,
}

pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn secret(who: u8) -> String {
    format!("secret-of-{who:08}")
}

pub(super) fn hello(who: u8) -> String {
    let name = format!("n{who}");
    format!(
        r#"{{"event":"hello","data":{{"version":1,"name":"{name}","role":"answer","app":"call","secret":"{}"}}}}"#,
        secret(who)
    )
}

pub(super) fn id_of(who: u8) -> String {
    identity::of_secret(&secret(who)).unwrap().to_string()
}

impl Desk {
    pub(super) fn new(max_rooms: usize, max_room: usize) -> Self {
        Self::within(&Limits {
            max_rooms,
            max_room,
            ..Limits::default()
        })
    }

    pub(super) fn within(limits: &Limits) -> Self {
        Self {
            hub: Hub::new(limits, TIMEOUT),
            now: Instant::now(),
            heard: HashMap::new(),
            closed: HashMap::new(),
            last: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.hub.handle(self.now, input);
        self.last.clear();
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { conn, text } => {
                    assert!(
                        !self.closed.contains_key(&conn),
                        "sent to a closed connection"
                    );
                    self.heard
                        .entry(conn)
                        .or_default()
                        .push(text.as_str().to_owned());
                    self.last.push(conn);
                }
                Output::WithIceServers { conn, id, event } => {
                    assert!(!self.closed.contains_key(&conn));
                    assert_eq!(self.hub.members.get(&conn).map(|m| &m.info.id), Some(&id));
                    self.heard.entry(conn).or_default().push(event.to_text());
                    self.last.push(conn);
                }
                Output::Called(_) | Output::Home(_) => {}
                Output::Close { conn, verdict } => {
                    assert!(
                        self.closed.insert(conn, verdict.cause).is_none(),
                        "closed twice"
                    );
                }
            }
        }
    }

    pub(super) fn tutorial(&mut self, conn: u64, room: &str) -> ConnId {
        self.tutorial_as(conn, room, None)
    }

    /// The same with a role that somebody has fixed for it.
    pub(super) fn tutorial_as(&mut self, conn: u64, room: &str, role: Option<Role>) -> ConnId {
        let conn = ConnId(conn);
        let id = identity::of_number(&[7; 32], conn.0).unwrap();
        let (room, kind) = (Some(Room::new(room).unwrap()), Kind::Tutorial(id));
        self.input(Input::Connected {
            conn,
            grant: Grant {
                room,
                role,
                ..Grant::default()
            },
            origin: None,
            kind,
        });
        conn
    }

    pub(super) fn socket(&mut self, conn: u64, room: &str) -> ConnId {
        let conn = ConnId(conn);
        let (room, origin) = (Some(Room::new(room).unwrap()), Some("https://x".to_owned()));
        self.input(Input::Connected {
            conn,
            grant: Grant {
                room,
                ..Grant::default()
            },
            origin,
            kind: Kind::Peer,
        });
        conn
    }

    pub(super) fn peer(&mut self, conn: u64, room: &str, who: u8) -> ConnId {
        let conn = self.socket(conn, room);
        self.says(conn, &hello(who));
        conn
    }

    pub(super) fn says(&mut self, conn: ConnId, text: &str) {
        self.input(Input::Frame {
            conn,
            text: text.into(),
        });
    }

    /// What it heard since the last time.
    pub(super) fn takes(&mut self, conn: ConnId) -> Vec<String> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    /// The same as events' names.
    pub(super) fn events(&mut self, conn: ConnId) -> Vec<String> {
        let frames = self.takes(conn);
        let name = |f: &String| Envelope::parse(f).and_then(|e| e.event().map(String::from));
        frames
            .iter()
            .map(|f| name(f).unwrap_or_else(|| f.clone()))
            .collect()
    }
}
