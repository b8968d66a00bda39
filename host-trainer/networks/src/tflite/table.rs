//! Tables of a FlatBuffers file. Each read is checked against the end of the file, so that no bytes
//! cause a panic; the depth of tables is that of the schema, so that none can contain itself.

/// A table: numbered fields, of which any may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    file: &'a [u8],
    at: usize,
}

/// A vector of items of the same size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vector<'a> {
    file: &'a [u8],
    at: usize,
    len: usize,
}

fn array<const BYTES: usize>(file: &[u8], at: usize) -> Option<[u8; BYTES]> {
    file.get(at..)?.first_chunk().copied()
}

/// Returns the place that the offset at `at` refers to.
fn follow(file: &[u8], at: usize) -> Option<usize> {
    let offset = usize::try_from(u32::from_le_bytes(array(file, at)?)).ok()?;
    at.checked_add(offset).filter(|place| offset > 0 && *place < file.len())
}

impl<'a> Table<'a> {
    /// Returns the table that `file` is.
    pub fn root(file: &'a [u8]) -> Option<Self> {
        Some(Self { file, at: follow(file, 0)? })
    }

    /// Returns the place of the field `number`, if the table has it.
    fn field(&self, number: usize) -> Option<usize> {
        // The list of fields is before or after the table.
        let distance = i32::from_le_bytes(array(self.file, self.at)?);
        let list = i64::try_from(self.at).ok()?.checked_sub(distance.into())?;
        let list = usize::try_from(list).ok()?;
        let bytes = usize::from(u16::from_le_bytes(array(self.file, list)?));
        let entry = 4 + 2 * number;
        let offset = if entry + 2 <= bytes { u16::from_le_bytes(array(self.file, list + entry)?) } else { 0 };
        (offset > 0).then(|| self.at.checked_add(offset.into()))?
    }

    /// Returns a byte, 0 if it is missing.
    pub fn byte(&self, number: usize) -> u8 {
        let byte = self.field(number).and_then(|at| self.file.get(at));
        byte.copied().unwrap_or_default()
    }

    /// Returns a number of 32 bits, `default` if it is missing.
    pub fn integer(&self, number: usize, default: i32) -> i32 {
        self.field(number).and_then(|at| array(self.file, at)).map_or(default, i32::from_le_bytes)
    }

    /// Returns a size, 0 if it is missing or negative.
    pub fn size(&self, number: usize, default: i32) -> usize {
        usize::try_from(self.integer(number, default)).unwrap_or_default()
    }

    pub fn table(&self, number: usize) -> Option<Table<'a>> {
        let at = follow(self.file, self.field(number)?)?;
        Some(Self { file: self.file, at })
    }

    /// Returns a vector of items of `bytes` each, empty if it is missing or reaches beyond the end.
    pub fn vector(&self, number: usize, bytes: usize) -> Vector<'a> {
        let vector = || {
            let at = follow(self.file, self.field(number)?)?;
            let len = usize::try_from(u32::from_le_bytes(array(self.file, at)?)).ok()?;
            let at = at + 4;
            let end = at.checked_add(len.checked_mul(bytes)?)?;
            (end <= self.file.len()).then_some(Vector { file: self.file, at, len })
        };
        vector().unwrap_or_default()
    }

    /// Returns the bytes of a vector.
    pub fn bytes(&self, number: usize) -> &'a [u8] {
        let Vector { file, at, len } = self.vector(number, 1);
        file.get(at..at + len).unwrap_or_default()
    }

    /// Returns a text, empty if it is not UTF-8.
    pub fn text(&self, number: usize) -> &'a str {
        str::from_utf8(self.bytes(number)).unwrap_or_default()
    }

    /// Returns the integers of a vector of 32 bits each.
    pub fn integers(&self, number: usize) -> impl ExactSizeIterator<Item = i32> + use<'a> {
        let Vector { file, at, len } = self.vector(number, 4);
        (0..len).map(move |index| array(file, at + 4 * index).map_or(0, i32::from_le_bytes))
    }

    /// Returns the integers of a vector of 64 bits each.
    pub fn long_integers(&self, number: usize) -> impl ExactSizeIterator<Item = i64> + use<'a> {
        let Vector { file, at, len } = self.vector(number, 8);
        (0..len).map(move |index| array(file, at + 8 * index).map_or(0, i64::from_le_bytes))
    }

    /// Returns the numbers of a vector of 32 bits each.
    pub fn floats(&self, number: usize) -> impl ExactSizeIterator<Item = f32> + use<'a> {
        self.integers(number).map(|bits| f32::from_bits(bits.cast_unsigned()))
    }
}

impl<'a> Vector<'a> {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns the table at `index` of a vector of tables.
    pub fn table(&self, index: usize) -> Option<Table<'a>> {
        let at = follow(self.file, self.at.checked_add(index.checked_mul(4)?)?)?;
        (index < self.len).then_some(Table { file: self.file, at })
    }
}
