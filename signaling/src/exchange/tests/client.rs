//! Somebody who is connected, and listens.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::{PeerId, Room};

use crate::hub::ConnId;
use crate::verdict::Cause;

/// A connection, and what its client believes.
pub(super) struct Client {
    pub(super) node: usize,
    pub(super) conn: ConnId,
    pub(super) room: Option<Room>,
    pub(super) id: PeerId,
    pub(super) peer_v1: bool,
    pub(super) present: BTreeSet<String>,
    /// Frames that were no presence.
    pub(super) heard: Vec<String>,
    /// Events by name, of presence too.
    pub(super) events: Vec<String>,
    /// Those who were there, in order, once it was welcomed.
    pub(super) welcome: Vec<String>,
    welcomed: bool,
    pub(super) closed: Option<Cause>,
}

impl Client {
    pub(super) fn new(
        (node, conn): (usize, ConnId),
        room: Option<Room>,
        id: PeerId,
        peer_v1: bool,
    ) -> Self {
        Self {
            node,
            conn,
            room,
            id,
            peer_v1,
            present: BTreeSet::new(),
            heard: Vec::new(),
            events: Vec::new(),
            welcome: Vec::new(),
            welcomed: false,
            closed: None,
        }
    }

    pub(super) fn hears(&mut self, text: &str) {
        assert_eq!(self.closed, None, "sent to a closed connection");
        if !self.peer_v1 {
            return self.heard.push(text.to_owned());
        }
        let value: Value = serde_json::from_str(text).unwrap();
        let event = value["event"].as_str().unwrap().to_owned();
        let id = value["data"]["id"].as_str().unwrap_or_default().to_owned();
        assert_ne!(event == "welcome" && value["from"].is_null(), self.welcomed);
        assert!(
            id.is_empty() || event == "welcome" || id != self.id.as_str(),
            "nobody is its own peer"
        );
        self.events.push(event.clone());
        match (event.as_str(), value["from"].as_str()) {
            ("welcome", None) => {
                self.welcomed = true;
                let peers = value["data"]["peers"].as_array().unwrap();
                for peer in peers {
                    let id = peer["id"].as_str().unwrap().to_owned();
                    self.welcome.push(id.clone());
                    assert!(self.present.insert(id), "listed twice");
                }
            }
            ("joined", None) => drop(self.present.insert(id)),
            ("left", None) => assert!(self.present.remove(&id), "left without joined"),
            (_, Some(from)) => {
                assert!(self.present.contains(from), "from a stranger");
                self.heard.push(text.to_owned());
            }
            ("error", None) => self.heard.push(text.to_owned()),
            other => panic!("{other:?}"),
        }
    }
}
