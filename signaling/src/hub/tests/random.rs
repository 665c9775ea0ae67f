//! Whatever happens in whatever order, some things hold: run by `trial`.

use serde_json::Value;

use super::*;

#[derive(Debug)]
enum Step {
    Tutorial(u8),
    Socket(u8),
    Says(u8, Speech),
    Gone(u8),
    Wait(u16),
}

#[derive(Debug)]
enum Speech {
    Hello(u8),
    Frame,
    To(u8),
    Junk,
    Forged,
}

impl Step {
    /// Any three bytes are a step, so that a fuzzer wastes none.
    const fn read([kind, who, what]: [u8; 3]) -> Self {
        match kind % 16 {
            0 | 1 => Self::Tutorial(what % 3),
            2..=4 => Self::Socket(what % 3),
            5..=8 => Self::Says(who, Speech::Hello(what % 5)),
            9 | 10 => Self::Says(who, Speech::Frame),
            11 => Self::Says(who, Speech::To(what % 5)),
            12 => Self::Says(who, Speech::Junk),
            13 => Self::Says(who, Speech::Forged),
            14 => Self::Gone(who),
            _ => Self::Wait(what as u16 * 16),
        }
    }
}

fn room(n: u8) -> Option<Room> {
    (n > 0).then(|| Room::new(format!("r{n}")).unwrap())
}

/// The desk and what the test itself knows of each connection.
struct Scene {
    desk: Desk,
    conns: Vec<(ConnId, bool, Option<Room>)>,
}

impl Scene {
    fn take(&mut self, step: Step) {
        match step {
            Step::Tutorial(r) | Step::Socket(r) => {
                let conn = ConnId(self.conns.len() as u64);
                let peer = matches!(step, Step::Socket(_));
                self.conns.push((conn, peer, room(r)));
                let id = identity::of_number(&[1; 32], conn.0).unwrap();
                let kind = if peer { Kind::Peer } else { Kind::Tutorial(id) };
                self.desk.input(Input::Connected {
                    conn,
                    grant: Grant {
                        room: room(r),
                        ..Grant::default()
                    },
                    origin: None,
                    kind,
                });
            }
            Step::Says(pick, speech) => {
                if let Some(conn) = self.pick(pick) {
                    self.says(conn, speech);
                }
            }
            Step::Gone(pick) => {
                if let Some(conn) = self.pick(pick) {
                    self.desk.input(Input::Gone { conn });
                    self.desk.closed.insert(conn, Cause::GoingAway);
                }
            }
            Step::Wait(ms) => {
                self.desk.now += Duration::from_millis(ms.into());
                self.desk.input(Input::Tick);
            }
        }
    }

    fn pick(&self, n: u8) -> Option<ConnId> {
        let open = self
            .conns
            .iter()
            .filter(|(c, ..)| !self.desk.closed.contains_key(c));
        let open: Vec<_> = open.collect();
        open.get(usize::from(n) % open.len().max(1))
            .map(|(c, ..)| *c)
    }

    fn says(&mut self, conn: ConnId, speech: Speech) {
        let introduces = matches!(speech, Speech::Hello(_));
        let text = match speech {
            Speech::Hello(who) => hello(who),
            Speech::Frame => r#"{"event":"offer","data":{"n":1.0}}"#.to_owned(),
            Speech::To(who) => format!(r#"{{"event":"offer","to":"{}"}}"#, id_of(who)),
            Speech::Junk => "junk".to_owned(),
            Speech::Forged => r#"{"from":"a","event":"left","\u0066rom":"b"}"#.to_owned(),
        };
        self.desk.input(Input::Frame {
            conn,
            text: text.as_str().into(),
        });
        if !introduces {
            let echo = self.desk.heard.get(&conn).and_then(|h| h.last());
            let to_self = self.desk.last.contains(&conn);
            let complaint =
                echo.is_some_and(|e| e.contains("\"error\"") && !e.contains("\"from\""));
            assert!(
                !to_self || complaint,
                "a frame came back to its sender: {echo:?}"
            );
        }
    }

    fn check(&self) {
        let hub = &self.desk.hub;
        let mut seated: Vec<ConnId> = Vec::new();
        for (room, seating) in &hub.rooms {
            assert!(!seating.is_empty() && seating.len() <= 3);
            for (seat, (conn, peer_v1)) in seating {
                let member = &hub.members[conn];
                assert_eq!(
                    (&member.room, member.seat, member.peer_v1),
                    (room, *seat, *peer_v1)
                );
                assert_eq!(hub.ids[&member.info.id], *conn, "ids are unique");
                let (_, peer, own_room) = &self.conns[conn.0 as usize];
                assert_eq!((peer, own_room), (peer_v1, room));
                seated.push(*conn);
            }
        }
        let count = seated.len();
        seated.sort_unstable();
        seated.dedup();
        assert_eq!(
            (count, hub.members.len(), hub.ids.len()),
            (seated.len(), count, count)
        );
        assert!(hub.rooms.len() <= 2 && hub.deadlines.len() == hub.waiting.len());
        for conn in self.desk.closed.keys() {
            assert!(!hub.members.contains_key(conn) && !hub.waiting.contains_key(conn));
        }
        for (conn, frames) in &self.desk.heard {
            self.check_heard(*conn, frames);
        }
    }

    /// A peer's story makes sense: welcome first and once, presence without gaps, every other frame with one true sender.
    fn check_heard(&self, conn: ConnId, frames: &[String]) {
        let (_, peer, _) = &self.conns[conn.0 as usize];
        let mut present: Vec<String> = Vec::new();
        for (n, frame) in frames.iter().enumerate() {
            if !peer {
                assert!(
                    !frame.contains("\"joined\"") && !frame.contains("\"welcome\""),
                    "{frame}"
                );
                continue;
            }
            let value: Value = serde_json::from_str(frame).unwrap();
            let id = value["data"]["id"].as_str().unwrap_or_default().to_owned();
            match (value["event"].as_str().unwrap(), value["from"].as_str()) {
                ("welcome", None) => {
                    assert_eq!(n, 0, "welcome comes first");
                    let peers = value["data"]["peers"].as_array().unwrap();
                    present.extend(peers.iter().map(|p| p["id"].as_str().unwrap().to_owned()));
                    assert!(!present.contains(&id), "nobody is its own peer");
                }
                ("joined", None) => {
                    present.retain(|p| *p != id);
                    present.push(id);
                }
                ("left", None) => {
                    assert!(present.contains(&id), "left without joined");
                    present.retain(|p| *p != id);
                }
                (_, Some(from)) => assert!(present.iter().any(|p| p == from), "from a stranger"),
                (event, None) => assert_eq!(event, "error"),
            }
            assert!(n == 0 || frames[0].contains("\"welcome\""));
        }
    }
}

/// A story in steps of three bytes, in rooms of three, of which there are two.
pub(crate) fn story(bytes: &[u8]) {
    let mut scene = Scene {
        desk: Desk::new(2, 3),
        conns: Vec::new(),
    };
    for &step in bytes.as_chunks().0 {
        scene.take(Step::read(step));
        scene.check();
    }
}
