//! `data` of each event. A complaint is a few words that name the member.

use serde_json::Value;

use crate::fields::{Fields, missing, text};
use crate::id::PeerId;
use crate::limits::{MAX_SECRET, MIN_SECRET};
use crate::message::{
    App, Bye, Candidate, Description, Hello, IceServer, Outcome, PeerEvent, PeerInfo, Role,
    SdpType, Secret, ServerEvent, Welcome,
};

type Read<T> = Result<T, String>;

pub(super) fn hello(data: &Value) -> Read<Hello> {
    let fields = Fields::of("data", data)?;
    let version = fields
        .integer("version")?
        .ok_or_else(|| missing("version"))?;
    if version == 0 {
        return Err("version is 0: the first one is 1".into());
    }
    let secret = fields.must_text("secret")?;
    if !(MIN_SECRET..=MAX_SECRET).contains(&secret.len()) {
        return Err(format!(
            "secret must have {MIN_SECRET} to {MAX_SECRET} bytes"
        ));
    }
    let role = Role::from_word(fields.must_text("role")?).filter(|r| *r != Role::Unknown);
    let app = App::from_word(fields.must_text("app")?).filter(|a| *a != App::Unknown);
    Ok(Hello {
        version,
        name: fields.word("name")?,
        role: role.ok_or("role must be call, answer or either")?,
        app: app.ok_or("app must be call, pipe, files, forward or bench")?,
        secret: Secret::new(secret),
    })
}

pub(super) fn welcome(data: &Value) -> Read<Welcome> {
    let fields = Fields::of("data", data)?;
    Ok(Welcome {
        id: id(&fields)?,
        room: fields.word("room")?,
        peers: fields
            .list("peers")?
            .iter()
            .map(peer_info)
            .collect::<Read<_>>()?,
        ice_servers: ice_server_list(&fields)?,
    })
}

pub(super) fn peer_info(data: &Value) -> Read<PeerInfo> {
    let fields = Fields::of("peer", data)?;
    let role = |word| Role::from_word(word).unwrap_or(Role::Unknown);
    let app = |word| App::from_word(word).unwrap_or(App::Unknown);
    Ok(PeerInfo {
        id: id(&fields)?,
        name: fields.word("name")?,
        role: fields.text("role")?.map(role),
        app: fields.text("app")?.map(app),
        origin: fields.owned("origin")?,
    })
}

pub(super) fn left(data: &Value) -> Read<PeerId> {
    id(&Fields::of("data", data)?)
}

pub(super) fn error(data: &Value) -> Read<ServerEvent> {
    let fields = Fields::of("data", data)?;
    Ok(ServerEvent::Error {
        code: fields.must_text("code")?.to_owned(),
        text: fields.owned("text")?.unwrap_or_default(),
    })
}

pub(super) fn ice_servers(data: &Value) -> Read<Vec<IceServer>> {
    ice_server_list(&Fields::of("data", data)?)
}

fn ice_server_list(fields: &Fields<'_>) -> Read<Vec<IceServer>> {
    fields.list("iceServers")?.iter().map(ice_server).collect()
}

fn ice_server(value: &Value) -> Read<IceServer> {
    let fields = Fields::of("ice server", value)?;
    let urls = match fields.get("urls") {
        None => return Err(missing("urls")),
        // W3C allows one string for a list of one.
        Some(Value::String(one)) => vec![one.clone()],
        Some(_) => {
            let each = |v| text("urls", v).map(str::to_owned);
            fields.list("urls")?.iter().map(each).collect::<Read<_>>()?
        }
    };
    Ok(IceServer {
        urls,
        username: fields.owned("username")?,
        credential: fields.text("credential")?.map(Secret::new),
    })
}

fn id(fields: &Fields<'_>) -> Read<PeerId> {
    fields.word("id")?.ok_or_else(|| missing("id"))
}

pub(super) fn offer(data: &Value) -> Read<PeerEvent> {
    description(data, SdpType::Offer).map(PeerEvent::Offer)
}

pub(super) fn answer(data: &Value) -> Read<PeerEvent> {
    description(data, SdpType::Answer).map(PeerEvent::Answer)
}

fn description(data: &Value, kind: SdpType) -> Read<Description> {
    let fields = Fields::of("data", data)?;
    if SdpType::from_word(fields.must_text("type")?) != Some(kind) {
        return Err(format!("type is not {kind}"));
    }
    let sdp = fields.must_text("sdp")?;
    if sdp.is_empty() {
        return Err("sdp is empty".into());
    }
    Ok(Description {
        kind,
        sdp: sdp.to_owned(),
    })
}

pub(super) fn candidate(data: &Value) -> Read<PeerEvent> {
    if data.is_null() {
        return Ok(PeerEvent::CandidatesEnd {
            username_fragment: None,
        });
    }
    let fields = Fields::of("data", data)?;
    let username_fragment = fields.owned("usernameFragment")?;
    let candidate = fields.owned("candidate")?.unwrap_or_default();
    if candidate.is_empty() {
        return Ok(PeerEvent::CandidatesEnd { username_fragment });
    }
    Ok(PeerEvent::Candidate(Candidate {
        candidate,
        sdp_mid: fields.owned("sdpMid")?,
        sdp_m_line_index: fields.integer("sdpMLineIndex")?,
        username_fragment,
    }))
}

pub(super) fn candidates_end(data: &Value) -> Read<PeerEvent> {
    let username_fragment = match data {
        Value::Null => None,
        some => Fields::of("data", some)?.owned("usernameFragment")?,
    };
    Ok(PeerEvent::CandidatesEnd { username_fragment })
}

pub(super) fn bye(data: &Value) -> Read<PeerEvent> {
    if data.is_null() {
        return Ok(PeerEvent::Bye(Bye {
            reason: String::new(),
            outcome: None,
            setup_ms: None,
        }));
    }
    let fields = Fields::of("data", data)?;
    Ok(PeerEvent::Bye(Bye {
        reason: fields.owned("reason")?.unwrap_or_default(),
        outcome: fields.text("outcome")?.and_then(Outcome::from_word),
        setup_ms: fields.number("setup_ms")?,
    }))
}
