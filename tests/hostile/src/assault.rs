//! One attempt in each of the ways.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::cli::Place;
use crate::dice::Dice;
use crate::forgery::forged;
use crate::frames::{head, masked, text};
use crate::kinds::Kind;
use crate::socket::{Ending, Socket, enter, enter_as};
use crate::tally::Tally;

/// From one address come so many that the server's limit (256) is always reached.
const GREEDY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// So many frames that take long to read, and between two of them: a quarter of a megabyte a second.
const DEAR: u32 = 8;
const DEARLY: Duration = Duration::from_millis(250);
/// The same for those who are in one room: hardly less often than a client may speak.
const LOUD: u32 = 200;
const LOUDLY: Duration = Duration::from_millis(11);
/// How long a room is held.
const HELD: Duration = Duration::from_secs(2);

/// One worker's means.
pub(crate) struct Assault {
    pub(crate) place: Place,
    pub(crate) tally: Tally,
    pub(crate) dice: Dice,
    /// No other worker has it.
    pub(crate) worker: usize,
    /// Names of rooms that it has made up.
    pub(crate) rooms: u64,
}

impl Assault {
    pub(crate) async fn make(&mut self, kind: Kind) -> Ending {
        let made = match kind {
            Kind::HalfOpen
            | Kind::SlowLoris
            | Kind::Garbage
            | Kind::HugeHead
            | Kind::WrongRequests
            | Kind::NeverReadsAnswers => self.without_upgrade(kind).await,
            Kind::Forgery | Kind::BadQuery => self.refused(kind).await,
            Kind::NoHello | Kind::BadHello | Kind::Double | Kind::Dear => self.as_peer(kind).await,
            Kind::Loud => self.loud().await,
            Kind::Rooms => self.rooms().await,
            Kind::NeverReads => self.never_reads().await,
            Kind::Greedy => self.greedy().await,
            _ => self.inside(kind).await,
        };
        made.unwrap_or_else(|ending| ending)
    }

    async fn connect(&self) -> Result<Socket, Ending> {
        let socket = Socket::connect(self.place.server).await;
        socket.map_err(|_| Ending::Silence)
    }

    /// Into a room of its own.
    async fn enter(&mut self) -> Result<Socket, Ending> {
        let room = self.room();
        self.ask_for(&room).await
    }

    /// Of a tutorial client the server knows at once which room it wants, and makes it, or says that it has too many.
    async fn ask_for(&mut self, room: &str) -> Result<Socket, Ending> {
        let socket = enter(&self.place, room, self.dice.address()).await?;
        self.tally.asked_for_a_room();
        Ok(socket)
    }

    /// A name that nobody has used before.
    fn room(&mut self) -> String {
        self.rooms += 1;
        format!("attack-{}-{}", self.worker, self.rooms)
    }

    async fn without_upgrade(&mut self, kind: Kind) -> Result<Ending, Ending> {
        if kind == Kind::NeverReadsAnswers {
            return self.never_reads_answers().await;
        }
        let mut socket = self.connect().await?;
        let from = self.dice.address();
        match kind {
            Kind::SlowLoris => {
                for byte in format!("GET /socket?room={} HTTP/1.1\r\n", "x".repeat(1000)).bytes() {
                    let ended = timeout(Duration::from_millis(100), socket.drained()).await;
                    if let Ok(ending) = ended {
                        return Ok(ending);
                    }
                    // A connection that has ended shows in the next read.
                    let _ = socket.send(&[byte]).await;
                }
            }
            Kind::Garbage => {
                let mut garbage = vec![0x16, 0x03, 0x01];
                garbage.extend(self.dice.bytes(100));
                garbage.extend(b"\r\n\r\n");
                let _ = socket.send(&garbage).await;
                return Ok(socket.status().await);
            }
            Kind::HugeHead => {
                let _ = socket.send(b"GET / HTTP/1.1\r\nHost: x\r\n").await;
                let line = format!("Cookie: {}\r\n", "x".repeat(8000));
                return Ok(socket.flood(line.as_bytes()).await);
            }
            Kind::WrongRequests => {
                let line = ["GET /admin.php", "POST /healthz", "GET /socket"][self.dice.roll(3)];
                let head = format!(
                    "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: {from}\r\n\r\n"
                );
                let _ = socket.send(head.as_bytes()).await;
                return Ok(socket.status().await);
            }
            _ => {}
        }
        Ok(socket.drained().await)
    }

    async fn never_reads_answers(&mut self) -> Result<Ending, Ending> {
        let socket = Socket::narrow(self.place.server).await;
        let mut socket = socket.map_err(|_| Ending::Silence)?;
        let requests = "GET /main.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
        let asking = async { while socket.send(requests.as_bytes()).await.is_ok() {} };
        // Until the server takes no more; then it has to lose patience.
        let _ = timeout(Duration::from_secs(1), asking).await;
        Ok(socket.reset(&[]).await)
    }

    /// The upgrade succeeds, since browsers cannot read a status, and the close code says why it was in vain.
    async fn refused(&mut self, kind: Kind) -> Result<Ending, Ending> {
        let query = if kind == Kind::Forgery {
            format!("?token={}", forged(&self.place.token, &mut self.dice))
        } else {
            ["?room=a%20b", "?room=a&room=b", "?room=%ff", "?room=ä"][self.dice.roll(3)].to_owned()
        };
        let mut socket = self.connect().await?;
        let from = IpAddr::from(self.dice.address());
        socket.upgrade(&query, from, false).await?;
        Ok(socket.ending().await)
    }

    async fn as_peer(&mut self, kind: Kind) -> Result<Ending, Ending> {
        let (room, from) = (self.room(), self.dice.address());
        let mut socket = enter_as(&self.place, &room, from, true).await?;
        let hello = |secret: &str| {
            text(&format!(
                r#"{{"event":"hello","data":{{"version":1,"name":"x","role":"call","app":"call","secret":"{secret}"}}}}"#
            ))
        };
        let secret = format!("{:016x}", self.dice.next());
        match kind {
            Kind::BadHello => {
                let bad = [hello("short"), text("{"), text(r#"{"event":"offer"}"#)];
                let _ = socket.send(&bad[self.dice.roll(3)]).await;
            }
            Kind::Double => {
                let _ = socket.send(&hello(&secret)).await;
                socket.text().await?;
                let mut second = enter_as(&self.place, &room, from, true).await?;
                let _ = second.send(&hello(&secret)).await;
                second.text().await?;
                self.tally.also(second.leave().await);
            }
            Kind::Dear => {
                let _ = socket.send(&hello(&secret)).await;
                socket.text().await?;
                // As large and as often as is permitted, and with as much in it as there can be.
                let members = vec!["\"\":0"; 13_000].join(",");
                let dear = text(&format!("{{{members}}}"));
                return Ok(match socket.says(&dear, DEARLY, DEAR).await {
                    Some(ending) => ending,
                    None => socket.leave().await,
                });
            }
            _ => {}
        }
        Ok(socket.ending().await)
    }

    async fn inside(&mut self, kind: Kind) -> Result<Ending, Ending> {
        let mut socket = self.enter().await?;
        let say = match kind {
            Kind::MessageFlood => return Ok(socket.flood(&text("x").repeat(100)).await),
            Kind::PingFlood => return Ok(socket.flood(&masked(0x89, b"x").repeat(100)).await),
            Kind::ByteFlood => return Ok(socket.flood(&text(&"x".repeat(65_000))).await),
            Kind::EndlessFragments => {
                let _ = socket.send(&masked(0x01, b"")).await;
                return Ok(socket.flood(&masked(0x00, b"").repeat(1000)).await);
            }
            Kind::HugeFrame => match self.dice.roll(3) {
                0 => head(0x81, 1 << 40),
                1 => head(0x81, u64::from(u32::MAX)),
                _ => text(&"x".repeat(1 << 20)),
            },
            Kind::Binary => masked(0x82, &self.dice.bytes(100)),
            Kind::BadFrame => self.bad_frame(),
            _ => Vec::new(),
        };
        let _ = socket.send(&say).await;
        Ok(socket.ending().await)
    }

    /// Not UTF-8, not masked, compressed without agreement, reserved opcodes, a ping in fragments or too long, a continuation
    /// of nothing, a message inside another.
    fn bad_frame(&mut self) -> Vec<u8> {
        let long_ping = masked(0x89, &[0; 200]);
        let bad: [&[u8]; 9] = [
            b"\x81\x82\0\0\0\0\xff\xfe",
            b"\x81\x01x",
            b"\xc1\x81\0\0\0\0x",
            b"\x83\x81\0\0\0\0x",
            b"\x8b\x80\0\0\0\0",
            b"\x09\x80\0\0\0\0",
            &long_ping,
            b"\x80\x81\0\0\0\0x",
            b"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x",
        ];
        bad[self.dice.roll(bad.len())].to_vec()
    }

    /// A room of its own, for a while; the server has a limit, and this reaches it.
    async fn rooms(&mut self) -> Result<Ending, Ending> {
        let mut socket = self.enter().await?;
        let _ = socket.send(&text("x")).await;
        match timeout(HELD, socket.ending()).await {
            Ok(ending) => Ok(ending),
            Err(_) => Ok(socket.leave().await),
        }
    }

    /// Somebody who keeps to all limits speaks to somebody who does not read.
    async fn never_reads(&mut self) -> Result<Ending, Ending> {
        let room = self.room();
        let mut speaker = self.ask_for(&room).await?;
        if let Ok(refused) = timeout(Duration::from_millis(200), speaker.ending()).await {
            return Err(refused);
        }
        let socket = Socket::narrow(self.place.server).await;
        let mut deaf = socket.map_err(|_| Ending::Silence)?;
        let query = format!("?room={room}&token={}", self.place.token);
        let from = IpAddr::from(self.dice.address());
        deaf.upgrade(&query, from, false).await?;
        let (word, frame) = (text("x"), text(&"x".repeat(20_000)));
        let speaking = async {
            while speaker.send(&frame).await.is_ok() {
                sleep(Duration::from_millis(25)).await;
            }
        };
        let ending = tokio::select! {
            ending = deaf.reset(&word) => ending,
            // The speaker has had to go: then there is nothing to read, and the deaf one goes, too.
            () = speaking => Ending::Left,
        };
        self.tally.also(speaker.leave().await);
        Ok(ending)
    }

    /// All in one room, where each message is for all of them.
    async fn loud(&mut self) -> Result<Ending, Ending> {
        let mut socket = enter(&self.place, "loud", self.dice.address()).await?;
        Ok(match socket.says(&text("x"), LOUDLY, LOUD).await {
            Some(ending) => ending,
            None => socket.leave().await,
        })
    }

    async fn greedy(&mut self) -> Result<Ending, Ending> {
        // As a member-to-be, which takes no room.
        let mut socket = enter_as(&self.place, "greedy", GREEDY, true).await?;
        Ok(socket.ending().await)
    }
}
