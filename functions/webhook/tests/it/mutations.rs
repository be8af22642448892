//! Ten thousand requests that LINE did not send.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use matome_runtime::random::SeededRandom;
use matome_webhook::Request;
use serde_json::json;

use crate::world::{ONE, TWO, World, body, from_user, request, sign, signed, text};

/// One request as bytes, so that a mutation need not be text.
#[derive(Clone, PartialEq)]
struct Forgery {
    channel: &'static str,
    body: Vec<u8>,
    header: Option<(String, String)>,
    /// How API Gateway hands the body over, and what it says about that; a mutation may let it lie.
    encode: bool,
    claim: bool,
}

impl Forgery {
    fn signature(&mut self) -> &mut String {
        &mut self.header.as_mut().unwrap().1
    }

    fn tag(&self) -> Vec<u8> {
        STANDARD.decode(&self.header.as_ref().unwrap().1).unwrap()
    }

    /// `None` when the bytes are no text and cannot be handed over as such.
    fn request(&self) -> Option<Request> {
        let body = if self.encode {
            STANDARD.encode(&self.body)
        } else {
            String::from_utf8(self.body.clone()).ok()?
        };
        let headers = self.header.iter().cloned().collect();
        Some(Request {
            headers: Some(headers),
            is_base64_encoded: self.claim,
            ..request(self.channel, &body, None)
        })
    }
}

const KINDS: [&str; 17] = [
    "bit of the body",
    "body cut",
    "body lengthened",
    "byte out of the body",
    "byte into the body",
    "two bytes of the body swapped",
    "another body of the same channel",
    "bit of the signature",
    "signature cut",
    "signature lengthened",
    "another channel's secret",
    "another channel's path",
    "no signature",
    "other base64",
    "unicode",
    "another header",
    "base64 flag",
];

fn mutate(random: &SeededRandom, kind: &str, forgery: &mut Forgery) {
    let at = random.below(forgery.body.len());
    match kind {
        "bit of the body" => forgery.body[at] ^= 1 << random.below(8),
        "body cut" => forgery.body.truncate(at),
        "body lengthened" => forgery.body.extend((0..=random.below(8)).map(|_| random.next_u64() as u8)),
        "byte out of the body" => drop(forgery.body.remove(at)),
        "byte into the body" => forgery.body.insert(at, random.next_u64() as u8),
        "two bytes of the body swapped" => {
            let other = random.below(forgery.body.len());
            forgery.body.swap(at, other);
        }
        "another body of the same channel" => {
            let id = format!("01H{}", random.next_u64());
            forgery.body = body(ONE, &[from_user(&id, "U1")]).into_bytes();
        }
        "bit of the signature" => {
            let mut tag = forgery.tag();
            tag[random.below(32)] ^= 1 << random.below(8);
            *forgery.signature() = STANDARD.encode(tag);
        }
        "signature cut" => {
            let tag = forgery.tag();
            *forgery.signature() = STANDARD.encode(&tag[..random.below(32)]);
        }
        "signature lengthened" => {
            let mut tag = forgery.tag();
            tag.extend((0..=random.below(40)).map(|_| random.next_u64() as u8));
            *forgery.signature() = STANDARD.encode(tag);
        }
        "another channel's secret" => *forgery.signature() = sign(TWO.secret, &forgery.body),
        "another channel's path" => forgery.channel = TWO.id,
        "no signature" => match random.below(3) {
            0 => forgery.header = None,
            1 => forgery.signature().clear(),
            _ => *forgery.signature() = " ".repeat(random.below(50)),
        },
        "other base64" => {
            let (tag, right) = (forgery.tag(), forgery.signature().clone());
            *forgery.signature() = match random.below(8) {
                0 => STANDARD_NO_PAD.encode(&tag),
                1 => URL_SAFE.encode(&tag),
                2 => tag.iter().map(|b| format!("{b:02x}")).collect(),
                3 => format!(" {right}"),
                4 => format!("{right},{right}"),
                5 => right.to_uppercase(),
                6 => format!("sha256={right}"),
                // The last character before the padding has two bits that mean nothing.
                _ => format!("{}{}=", &right[..42], next_in_alphabet(right.as_bytes()[42])),
            };
        }
        "unicode" => {
            let place = random.below(44);
            let strange = ['é', '署', '\u{0}', '\u{202e}', '😀', '\u{ff21}'][random.below(6)];
            let signature = forgery.signature();
            signature.replace_range(place..=place, &strange.to_string());
        }
        "another header" => {
            let names = [
                "x-line-signatur",
                "x_line_signature",
                "authorization",
                "x-line-signature ",
                "x-hub-signature",
            ];
            forgery.header.as_mut().unwrap().0 = names[random.below(5)].to_owned();
        }
        "base64 flag" => forgery.claim = !forgery.claim,
        other => unreachable!("{other}"),
    }
}

fn next_in_alphabet(c: u8) -> char {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = alphabet.bytes().position(|a| a == c).unwrap();
    char::from(alphabet.as_bytes()[at ^ 1])
}

#[tokio::test]
async fn of_10_000_mutated_bodies_and_signatures_none_is_accepted_and_nothing_is_queued() {
    let world = World::new().await;
    let random = SeededRandom::new(0x4c49_4e45);
    let events = [from_user("01HA", "U1"), text("01HB", json!({"groupId": "C1"}), "สวัสดี 😀 {\"a\":1}")];
    let right = body(ONE, &events);
    assert_eq!(world.send(signed(ONE, &right)).await.status_code, 200, "unchanged, it is accepted");
    let requests = world.queue.requests();

    let mut refused = [0_usize; KINDS.len()];
    while refused.iter().sum::<usize>() < 10_000 {
        let kind = random.below(KINDS.len());
        let encode = random.below(2) == 0;
        let signature = sign(ONE.secret, right.as_bytes());
        let original = Forgery {
            channel: ONE.id,
            body: right.clone().into_bytes(),
            header: Some(("x-line-signature".to_owned(), signature)),
            encode,
            claim: encode,
        };
        let mut forgery = original.clone();
        mutate(&random, KINDS[kind], &mut forgery);
        if forgery == original {
            continue;
        }
        let Some(request) = forgery.request() else { continue };
        let status = world.send(request).await.status_code;
        // 400 only where the gateway's word about base64 is not true, 401 for all else.
        let expected: &[u16] = if KINDS[kind] == "base64 flag" { &[400, 401] } else { &[401] };
        assert!(expected.contains(&status), "{}: {status}", KINDS[kind]);
        refused[kind] += 1;
    }
    assert!(refused.iter().all(|n| *n > 100), "every kind had its turn: {refused:?}");
    assert_eq!(world.queue.requests(), requests, "nothing was queued");
    assert_eq!(world.send(signed(ONE, &right)).await.status_code, 200, "and unchanged it is accepted still");
}
