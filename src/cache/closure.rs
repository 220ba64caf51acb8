//! Whole closures: every path that the roots need, found with as many questions at once as connections allow.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::http::CONNECTIONS;
use super::set::{CacheSet, Found, Vouched};
use crate::nix::{StorePath, Trust};
use crate::progress::Progress;

/// Questions at once where no cache is remote: there is nothing to wait for but the disk.
const LOCAL_THREADS: usize = 4;

/// Enough faults to report; what follows would be more of the same.
const FAULTS: usize = 32;

impl CacheSet {
    /// Finds the closures of `roots`: each path's information, verified against the keys of the cache that gave it.
    /// Sorted by path.
    ///
    /// An unsigned, content-addressed path counts when the user or the lock named it (`named_by_user`), when a trusted
    /// path refers to it, or when its cache allows that.
    pub fn closure(
        &self,
        roots: &[StorePath],
        named_by_user: &BTreeSet<StorePath>,
        progress: &dyn Progress,
    ) -> Result<Vec<Found>, Error> {
        self.closure_beyond(roots, named_by_user, &|_| false, progress)
    }

    /// The same without what is `there` already: nobody is asked about that, nor about what only that refers to.
    pub fn closure_beyond(
        &self,
        roots: &[StorePath],
        named_by_user: &BTreeSet<StorePath>,
        there: &dyn Fn(&StorePath) -> bool,
        progress: &dyn Progress,
    ) -> Result<Vec<Found>, Error> {
        let order = self.order(progress)?;
        let mut crawl = Crawl::new(there);
        for root in roots {
            crawl.want(root, None, Vouched(named_by_user.contains(root)));
        }
        self.carry_out(&mut crawl, order);
        let found = crawl.finish()?;
        refuse_cycles(&found)?;
        Ok(found.into_values().collect())
    }

    /// Answers what `crawl` wants to know until it wants nothing more. Each answer's questions go out at once.
    fn carry_out(&self, crawl: &mut Crawl<'_>, order: &[usize]) {
        let remote = self.caches.iter().any(super::source::Cache::is_remote);
        let most = if remote { CONNECTIONS } else { LOCAL_THREADS };
        let (questions, asked) = crossbeam_channel::unbounded::<Question>();
        let (answers, answered) = crossbeam_channel::unbounded();
        std::thread::scope(|scope| {
            let (mut threads, mut in_flight) = (0, 0);
            loop {
                for question in crawl.next.split_off(0) {
                    in_flight += 1;
                    if in_flight > threads && threads < most {
                        threads += 1;
                        let (asked, answers) = (asked.clone(), answers.clone());
                        scope.spawn(move || {
                            for Question { path, referrer, vouched } in asked {
                                let answer = self.look_up(&path, vouched, referrer.as_ref(), order);
                                // Nobody listens any more once the crawl has ended.
                                let _ = answers.send((path, vouched, answer));
                            }
                        });
                    }
                    let _ = questions.send(question);
                }
                if in_flight == 0 {
                    break;
                }
                let Ok((path, vouched, answer)) = answered.recv() else { break };
                in_flight -= 1;
                crawl.take(path, vouched, answer);
            }
            drop(questions);
        });
    }
}

struct Question {
    path: StorePath,
    referrer: Option<StorePath>,
    vouched: Vouched,
}

/// What is known and what is asked. Its end does not depend on the order of answers.
struct Crawl<'a> {
    /// What nobody is asked about.
    there: &'a dyn Fn(&StorePath) -> bool,
    /// To be asked next.
    next: Vec<Question>,
    /// What was asked, and whether somebody trusted vouches for it.
    wanted: BTreeMap<StorePath, Vouched>,
    found: BTreeMap<StorePath, Found>,
    faults: BTreeMap<StorePath, Error>,
}

impl<'a> Crawl<'a> {
    fn new(there: &'a dyn Fn(&StorePath) -> bool) -> Self {
        let (next, wanted, found, faults) = Default::default();
        Self { there, next, wanted, found, faults }
    }

    fn want(&mut self, path: &StorePath, referrer: Option<&StorePath>, vouched: Vouched) {
        if (self.there)(path) {
            return;
        }
        let known = self.wanted.get(path).copied();
        // A root that nobody vouched for, and that a trusted path turns out to need, gets a second chance.
        let better = known == Some(Vouched(false)) && vouched == Vouched(true);
        if known.is_some() && !(better && self.faults.remove(path).is_some()) {
            if better {
                self.wanted.insert(path.clone(), vouched);
            }
            return;
        }
        self.wanted.insert(path.clone(), vouched);
        if self.faults.len() < FAULTS {
            self.next.push(Question { path: path.clone(), referrer: referrer.cloned(), vouched });
        }
    }

    fn take(&mut self, path: StorePath, vouched: Vouched, answer: Result<Found, Error>) {
        match answer {
            Ok(found) => {
                for reference in &found.info.info().references {
                    self.want(reference, Some(&path), Vouched(true));
                }
                self.found.insert(path, found);
            }
            Err(_) if vouched == Vouched(false) && self.wanted.get(&path) == Some(&Vouched(true)) => {
                self.next.push(Question { path, referrer: None, vouched: Vouched(true) });
            }
            Err(fault) => drop(self.faults.insert(path, fault)),
        }
    }

    fn finish(self) -> Result<BTreeMap<StorePath, Found>, Error> {
        let mut faults: Vec<Error> = self.faults.into_values().collect();
        match faults.len() {
            0 => Ok(self.found),
            1 => Err(faults.remove(0)),
            _ => Err(Error::Several(faults)),
        }
    }
}

/// Refuses references in a circle, a path's to itself aside: no build makes them, so hashes were forged.
fn refuse_cycles(found: &BTreeMap<StorePath, Found>) -> Result<(), Error> {
    let references = |path: &StorePath| -> Vec<StorePath> {
        let info = found.get(path).map(|found| found.info.info());
        info.map(|info| info.references.iter().filter(|&other| other != path).cloned().collect()).unwrap_or_default()
    };
    let mut done = BTreeSet::new();
    for start in found.keys() {
        // Depth first without recursion: a chain may be as long as the closure.
        let mut way: Vec<(StorePath, Vec<StorePath>)> = vec![];
        let mut on_way = BTreeSet::new();
        let mut next = Some(start.clone());
        loop {
            if let Some(path) = next.take()
                && !done.contains(&path)
            {
                if on_way.contains(&path) {
                    let circle = way.iter().map(|(path, _)| path.clone()).skip_while(|on_way| *on_way != path);
                    return Err(Error::Cycle(circle.collect()));
                }
                on_way.insert(path.clone());
                let rest = references(&path);
                way.push((path, rest));
            }
            let Some((path, rest)) = way.last_mut() else { break };
            next = rest.pop();
            if next.is_none() {
                on_way.remove(path);
                done.insert(path.clone());
                way.pop();
            }
        }
    }
    Ok(())
}

impl Found {
    /// Whether only its content vouches for it, so that the content must be compared with the address.
    #[must_use]
    pub fn is_content_addressed(&self) -> bool {
        matches!(self.info.trust(), Trust::ContentAddressed(_))
    }
}
