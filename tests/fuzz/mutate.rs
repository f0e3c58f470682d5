//! Inputs made of a corpus: the same ones for the same seed.

/// Numbers at the edges of what lengths and counts can be.
const EDGES: [u32; 10] = [0, 1, 3, 4, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// Longer inputs say nothing new.
const BYTES_MAX: usize = 1 << 20;

pub struct Mutator {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Mutator {
        Mutator { state: seed, seeds }
    }

    /// The next input.
    pub fn input(&mut self) -> Vec<u8> {
        let place = self.below(self.seeds.len());
        let mut input = self.seeds[place].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let length = self.below(input.len() - at + 1).min(1 + self.below(64));
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => drop(input.drain(at..at + length)),
            3 => {
                let piece = input[at..at + length].to_vec();
                input.splice(at..at, piece);
            }
            4 => {
                let byte = self.byte();
                input.splice(at..at, std::iter::repeat_n(byte, length));
            }
            5 if at + 4 <= input.len() => {
                let edge = EDGES[self.below(EDGES.len())].to_be_bytes();
                input[at..at + 4].copy_from_slice(&edge);
            }
            6 => {
                let place = self.below(self.seeds.len());
                let other = &self.seeds[place];
                let tail = other[other.len().min(at)..].to_vec();
                input.truncate(at);
                input.extend(tail);
            }
            _ => input.truncate(at),
        }
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}
