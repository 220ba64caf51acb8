//! The part of single questions: a package's maps of kinds, names, what is below, and bytes.

use crate::image::ImagePath;
use crate::image::listing::ListingKind;

use super::super::{Answers, Piece};
use super::{Reader, Writer};

impl Writer {
    pub(super) fn answers(&mut self, answers: &Answers) {
        self.map(&answers.kinds, |out, path, kind| {
            out.text(path.as_bytes());
            out.kind(kind.as_ref());
        });
        self.map(&answers.names, |out, folder, names| {
            out.text(folder.as_bytes());
            out.number(names.len() as u64);
            for name in names {
                out.text(name);
            }
        });
        self.map(&answers.below, |out, path, found| {
            out.text(path.as_bytes());
            out.number(found.len() as u64);
            for (path, kind) in found {
                out.text(path.as_bytes());
                out.kind(Some(kind));
            }
        });
        self.map(&answers.bytes, |out, (path, offset, length), bytes| {
            out.text(path.as_bytes());
            out.number(*offset);
            out.number(*length);
            out.text(bytes);
        });
    }
}

impl Reader<'_> {
    pub(super) fn answers(&mut self) -> Option<Answers> {
        Some(Answers {
            kinds: self.map(|input| Some((input.path()?, input.kind()?)))?,
            names: self.map(|input| Some((input.path()?, input.list(Self::name, |name| name)?)))?,
            below: self.map(|input| Some((input.path()?, input.list(Self::entry, |(path, _)| path)?)))?,
            bytes: self.map(|input| {
                let piece: Piece = (input.path()?, input.number()?, input.number()?);
                Some((piece, input.text()?.to_vec()))
            })?,
        })
    }

    /// One component of a path.
    fn name(&mut self) -> Option<Vec<u8>> {
        let path = self.path()?;
        (!path.is_root() && path.name() == path.as_bytes()).then(|| path.as_bytes().to_vec())
    }

    fn entry(&mut self) -> Option<(ImagePath, ListingKind)> {
        Some((self.path()?, self.kind()??))
    }
}
