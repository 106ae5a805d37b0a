//! Messages that span several sentences.

use jiff::{SignedDuration, Timestamp};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::super::{Fields, SentenceError};

/// Most sentences of a message: the field has one digit.
const MOST_PARTS: u32 = 9;
/// Most characters of a payload; the longest message there is has 1064 bits, which are 178.
const LONGEST_PAYLOAD: usize = 256;
/// Messages that may be under way at the same time.
const MOST_GROUPS: usize = 16;
/// After this long a missing sentence does not come any more.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// The content of one sentence.
#[derive(Debug)]
pub(super) struct Fragment<'a> {
    talker: &'a str,
    sentence: &'a str,
    total: u32,
    number: u32,
    sequence: Option<u32>,
    channel: &'a [u8],
    payload: &'a [u8],
    fill_bits: u32,
}

impl<'a> Fragment<'a> {
    pub fn read(fields: &'a Fields, talker: &'a str) -> Result<Self, SentenceError> {
        let total = fields.integer(1)?.unwrap_or(1);
        if !(1..=MOST_PARTS).contains(&total) {
            return Err(fields.malformed(1, "the number of sentences of this message, at most 9"));
        }
        let number = fields.integer(2)?.unwrap_or(1);
        if !(1..=total).contains(&number) {
            return Err(fields.malformed(2, "the number of this sentence in its message"));
        }
        let payload = fields.raw(5);
        if payload.is_empty() || payload.len() > LONGEST_PAYLOAD {
            return Err(fields.malformed(5, "the characters of an AIS message, at most 256"));
        }
        let fill_bits = fields.integer(6)?.unwrap_or(0);
        if fill_bits > 5 {
            return Err(fields.malformed(6, "the number of fill bits, at most 5"));
        }
        // Some receivers put texts there; they only have to be the same in all sentences of a message.
        let sequence = fields.integer(3)?;
        let (sentence, channel) = (fields.sentence(), fields.raw(4));
        Ok(Self { talker, sentence, total, number, sequence, channel, payload, fill_bits })
    }
}

/// The messages under way. Sentences of several messages may come interleaved, and those of one message in any order.
#[derive(Debug, Default)]
pub(in super::super) struct Fragments {
    groups: Vec<Group>,
    lost: u64,
}

#[derive(Debug)]
struct Group {
    talker: SmolStr,
    sentence: SmolStr,
    total: u32,
    sequence: Option<u32>,
    /// Empty when the receiver does not say.
    channel: Vec<u8>,
    since: Timestamp,
    parts: SmallVec<[Option<Vec<u8>>; 4]>,
    fill_bits: u32,
}

impl Group {
    fn is_of(&self, fragment: &Fragment) -> bool {
        let same_channel = self.channel == fragment.channel || self.channel.is_empty() || fragment.channel.is_empty();
        let (ours, theirs) = ((&*self.talker, &*self.sentence), (fragment.talker, fragment.sentence));
        ours == theirs && self.total == fragment.total && self.sequence == fragment.sequence && same_channel
    }

    fn arrived(&self) -> usize {
        self.parts.iter().flatten().count()
    }
}

impl Fragments {
    /// Takes a sentence; the payload and the number of its fill bits when it completes a message.
    pub(super) fn gather(&mut self, fragment: Fragment, now: Timestamp) -> Option<(Vec<u8>, usize)> {
        if fragment.total == 1 {
            return Some((fragment.payload.to_vec(), fragment.fill_bits as usize));
        }
        self.give_up(|group| now.duration_since(group.since).abs() > PATIENCE);
        let index = fragment.number as usize - 1;
        // The same part again begins another message; what waited for the rest of the earlier one is lost.
        self.give_up(|group| group.is_of(&fragment) && group.parts[index].is_some());
        let known = self.groups.iter().position(|group| group.is_of(&fragment));
        let mut group = match known {
            Some(known) => self.groups.remove(known),
            None => Group {
                talker: fragment.talker.into(),
                sentence: fragment.sentence.into(),
                total: fragment.total,
                sequence: fragment.sequence,
                channel: fragment.channel.to_vec(),
                since: now,
                parts: (0..fragment.total).map(|_| None).collect(),
                fill_bits: 0,
            },
        };
        group.parts[index] = Some(fragment.payload.to_vec());
        if fragment.number == fragment.total {
            group.fill_bits = fragment.fill_bits;
        }
        if group.arrived() == group.parts.len() {
            let payload: Vec<u8> = group.parts.into_iter().flatten().flatten().collect();
            if payload.len() > LONGEST_PAYLOAD {
                self.lost += u64::from(group.total);
                return None;
            }
            return Some((payload, group.fill_bits as usize));
        }
        if self.groups.len() == MOST_GROUPS {
            let oldest = self.groups.remove(0);
            self.lost += oldest.arrived() as u64;
        }
        self.groups.push(group);
        None
    }

    /// Sentences that were thrown away because the rest of their message did not come.
    pub(in super::super) fn lost(&self) -> u64 {
        self.lost
    }

    fn give_up(&mut self, mut hopeless: impl FnMut(&Group) -> bool) {
        let lost: usize = self.groups.extract_if(.., |group| hopeless(group)).map(|group| group.arrived()).sum();
        self.lost += lost as u64;
    }
}
