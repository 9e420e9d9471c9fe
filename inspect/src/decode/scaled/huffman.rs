//! The entropy-coded data of a sequential JPEG: bits, Huffman codes and the values behind them.
//!
//! Owns the tables and the reading of bits (ITU-T T.81, annexes C and F.2.2). It must not know what a coefficient is
//! good for.

use crate::decode::DecodeError;

/// Bits that are looked up at once.
const LOOKAHEAD: u32 = 10;
/// Longest code, bits.
const LONGEST: usize = 16;

/// What one code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    /// Zero coefficients before the value.
    pub(super) run: usize,
    /// The value; 0 ends the block, or stands for another zero after a run of 15.
    pub(super) value: i32,
}

/// A Huffman table.
///
/// An entry of `fast` answers the next ten bits: bits 0 to 4 are the length, bits 8 to 11 the run, bits 12 to 15 how
/// many bits of the value come after that length, and bits 16 to 31 the value if it lay within the ten bits. An entry
/// of 0 stands for a longer code.
#[derive(Debug, Clone)]
pub(super) struct Table {
    fast: Box<[u32; 1 << LOOKAHEAD]>,
    /// For each length, the first code of 16 bits that is beyond the codes of that length.
    limits: [u32; LONGEST + 1],
    /// For each length, what leads from a code to its symbol.
    offsets: [u32; LONGEST + 1],
    symbols: Vec<u8>,
}

impl Table {
    /// A table from the number of codes of each length, 1 to 16 bits, and the symbols in the order of their codes.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] if there are more codes than fit or their number is not that of the symbols.
    pub(super) fn new(counts: &[u8; LONGEST], symbols: &[u8]) -> Result<Self, DecodeError> {
        let bad = || DecodeError::corrupt("a Huffman table that is none");
        if symbols.len() > 256
            || counts.iter().map(|&count| usize::from(count)).sum::<usize>() != symbols.len()
        {
            return Err(bad());
        }
        let mut fast = Box::new([0_u32; 1 << LOOKAHEAD]);
        let (mut limits, mut offsets) = ([0_u32; LONGEST + 1], [0_u32; LONGEST + 1]);
        let (mut code, mut index) = (0_u32, 0_u32);
        for (length, &count) in (1_u32..).zip(counts) {
            let slot = length as usize;
            offsets[slot] = index.wrapping_sub(code);
            for _ in 0..count {
                if code >= 1 << length {
                    return Err(bad());
                }
                if length <= LOOKAHEAD {
                    let symbol = symbols[index as usize];
                    let free = LOOKAHEAD - length;
                    for rest in 0..1_u32 << free {
                        fast[(code << free | rest) as usize] = entry(length, symbol, rest, free);
                    }
                }
                code += 1;
                index += 1;
            }
            limits[slot] = code << (LONGEST as u32 - length);
            code <<= 1;
        }
        Ok(Self { fast, limits, offsets, symbols: symbols.to_vec() })
    }

    /// Whether every symbol is a number of bits that a difference of mean values may have.
    pub(super) fn is_for_means(&self) -> bool {
        self.symbols.iter().all(|&symbol| symbol <= 15)
    }
}

/// The entry for a code of `length` bits that is followed by `rest`, of which `free` bits are known.
fn entry(length: u32, symbol: u8, rest: u32, free: u32) -> u32 {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 || size > free {
        return length | run << 8 | size << 12;
    }
    let value = extended(rest >> (free - size), size);
    (length + size) | run << 8 | (value as u32) << 16
}

/// The signed value whose `size` bits are given, 1 to 15 of them (F.2.2.1).
#[inline]
fn extended(bits: u32, size: u32) -> i32 {
    let negative = if bits >> (size - 1) == 0 { (1 << size) - 1 } else { 0 };
    bits as i32 - negative
}

/// Reads the bits of a scan. Beyond its last bit come zeros, which [`Bits::check`] tells of.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    position: usize,
    /// The next bits, the first one highest.
    word: u64,
    /// How many of them count.
    count: u32,
    /// How many of those that count are zeros that do not stand in the file.
    missing: u32,
}

impl<'a> Bits<'a> {
    /// The bits of a scan, from its first byte on.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0, word: 0, count: 0, missing: 0 }
    }

    /// Makes sure of at least 32 bits: a code and its value have at most 31.
    #[inline]
    fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(next) = self.data[self.position..].first_chunk::<8>() {
            let next = u64::from_be_bytes(*next);
            // No byte is 0xff: neither a stuffed byte nor a marker is among them.
            let ones = !next;
            if ones.wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080 == 0 {
                self.word |= next >> self.count;
                self.position += ((63 - self.count) / 8) as usize;
                self.count |= 56;
                return;
            }
        }
        self.refill_slowly();
    }

    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.count <= 56 {
            let (byte, length) = match self.data[self.position..] {
                [0xff, 0, ..] => (0xff, 2),
                [0xff, ..] | [] => (0, 0),
                [byte, ..] => (byte, 1),
            };
            if length == 0 {
                self.missing += 8;
            }
            self.word |= u64::from(byte) << (56 - self.count);
            self.position += length;
            self.count += 8;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.word <<= bits;
        self.count -= bits;
    }

    /// The next code and its value.
    #[inline]
    pub(super) fn symbol(&mut self, table: &Table) -> Result<Symbol, DecodeError> {
        self.refill();
        let mut entry = table.fast[(self.word >> (64 - LOOKAHEAD)) as usize];
        if entry == 0 {
            entry = self.long_code(table)?;
        }
        self.skip(entry & 31);
        let run = (entry >> 8 & 15) as usize;
        let size = entry >> 12 & 15;
        if size == 0 {
            return Ok(Symbol { run, value: (entry as i32) >> 16 });
        }
        let value = extended((self.word >> (64 - size)) as u32, size);
        self.skip(size);
        Ok(Symbol { run, value })
    }

    /// The entry of a code that is longer than the looked-up bits.
    #[inline(never)]
    fn long_code(&self, table: &Table) -> Result<u32, DecodeError> {
        let code = (self.word >> (64 - LONGEST)) as u32;
        let length = (LOOKAHEAD as usize + 1..=LONGEST).find(|&length| code < table.limits[length]);
        let symbol = length.and_then(|length| {
            let index = (code >> (LONGEST - length)).wrapping_add(table.offsets[length]);
            Some(entry(length as u32, *table.symbols.get(index as usize)?, 0, 0))
        });
        symbol.ok_or_else(|| DecodeError::corrupt("a code that the Huffman table lacks"))
    }

    /// # Errors
    /// [`DecodeError::Truncated`] if bits were read that do not stand in the file.
    #[inline]
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        if self.missing > self.count { Err(DecodeError::Truncated) } else { Ok(()) }
    }

    /// Goes on after the restart marker with that number, 0 to 7.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] if it does not come next.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), DecodeError> {
        self.check()?;
        let unread = self.count - self.missing;
        while let [0xff, 0xff, ..] = self.data[self.position..] {
            self.position += 1;
        }
        match self.data[self.position..] {
            [0xff, marker, ..] if marker == 0xd0 + number && unread < 8 => {
                *self = Self { data: self.data, position: self.position + 2, word: 0, count: 0, missing: 0 };
                Ok(())
            }
            _ => Err(DecodeError::corrupt("a restart marker that is not where it belongs")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes 0, 10, 110 and, twelve bits long, 111000000000.
    fn table() -> Table {
        let mut counts = [0; LONGEST];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        Table::new(&counts, &[0x00, 0x12, 0xf0, 0x3a]).unwrap()
    }

    fn read(data: &[u8], count: usize) -> (Vec<(usize, i32)>, Result<(), DecodeError>) {
        let table = table();
        let mut bits = Bits::new(data);
        let symbols = (0..count).map(|_| bits.symbol(&table).map(|it| (it.run, it.value)).unwrap()).collect();
        (symbols, bits.check())
    }

    #[test]
    fn codes_short_and_long_give_runs_and_values() {
        // 10 11, 10 01, 110, 111000000000 1000000001, 0, then ones to fill the byte.
        let data = [0b1011_1001, 0b1101_1100, 0b0000_0001, 0b0000_0000, 0b1011_1111];
        let expected = vec![(1, 3), (1, -2), (15, 0), (3, 513), (0, 0)];
        assert_eq!(read(&data, 5), (expected, Ok(())));
    }

    #[test]
    fn a_stuffed_byte_counts_once_and_a_missing_one_is_noticed() {
        // 0 four times, 111000000000 1111111111 with a byte of ones, 0 six times.
        let data = [0b0000_1110, 0b0000_0000, 0xff, 0x00, 0b1100_0000];
        let mut expected = vec![(0, 0); 11];
        expected[4] = (3, 1_023);
        assert_eq!(read(&data, 11), (expected, Ok(())));
        assert_eq!(read(&[0x00], 9).1, Err(DecodeError::Truncated));
        assert_eq!(read(&[0x00], 8).1, Ok(()));
        assert_eq!(read(&[0x00, 0xff, 0xd9], 9).1, Err(DecodeError::Truncated));
    }

    #[test]
    fn restarts_come_in_order_and_in_place() {
        let table = table();
        let data = [0b0111_1111, 0xff, 0xff, 0xd3, 0b0111_1111, 0xff, 0xd4];
        let mut bits = Bits::new(&data);
        bits.symbol(&table).unwrap();
        bits.restart(3).unwrap();
        bits.symbol(&table).unwrap();
        assert!(matches!(bits.restart(5), Err(DecodeError::Corrupt { .. })));
        let mut early = Bits::new(&[0, 0, 0xff, 0xd0]);
        early.symbol(&table).unwrap();
        assert!(matches!(early.restart(0), Err(DecodeError::Corrupt { .. })));
    }

    #[test]
    fn impossible_tables_and_codes_are_refused() {
        let mut counts = [0; LONGEST];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3]).is_err());
        assert!(Table::new(&counts, &[1, 2]).is_err());
        counts[0] = 1;
        let one = Table::new(&counts, &[1]).unwrap();
        assert!(matches!(Bits::new(&[0xfe; 8]).symbol(&one), Err(DecodeError::Corrupt { .. })));
        assert!(one.is_for_means() && !table().is_for_means());
    }
}
