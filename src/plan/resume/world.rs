//! A toy world: a target with a ledger, runs that live until something kills them, and a server
//! that crashes. Whatever happens, in the end every step has been done once, and nothing was built
//! upon what was not there.

use std::collections::{HashMap, HashSet};

use super::outstanding;
use super::random::{Random, graph, inventory, settings};
use crate::plan::clone::{Tables, Target as Made, clone};
use crate::plan::{Plan, Pool, Step, StepId};

/// Seeds of plans made from inventories, and of plans of any shape.
const CLONES: u64 = 10_000;
const GRAPHS: u64 = 20_000;

/// The target server.
#[derive(Default)]
struct Target {
    /// Transactions in the order of their commits, by the step that each did and recorded.
    log: Vec<Step>,
    ledger: HashSet<Step>,
    /// How many of them are on disk.
    durable: usize,
}

impl Target {
    /// Work and record become visible together, or, if the record is there already, not at all.
    fn commit(&mut self, step: Step) -> bool {
        let is_new = self.ledger.insert(step);
        if is_new {
            self.log.push(step);
        }
        is_new
    }

    /// What had not reached the disk is lost, the last commits first.
    fn crash(&mut self, random: &mut Random) {
        let lost = random.below(self.log.len() - self.durable + 1);
        for step in self.log.drain(self.log.len() - lost..) {
            self.ledger.remove(&step);
        }
        self.durable = self.log.len();
    }
}

/// How a run ended.
#[derive(Debug, PartialEq)]
enum End {
    Killed,
    /// The target has lost what the run believed to be done.
    SetBack,
    /// Nothing more can be done.
    Over {
        failed: bool,
    },
}

/// A mistake that the simulation must find.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// The run goes on after a crash as if nothing had been lost.
    TrustsItsMemory,
    /// A step whose end was not heard is done again without asking.
    DoesNotAsk,
    /// What builds upon a done step counts as done with it.
    ForgetsMilestones,
}

struct World<'a> {
    random: Random,
    plan: &'a dyn Fn() -> Plan,
    /// Each step's needs, milestones resolved.
    needs: Vec<Vec<Step>>,
    target: Target,
    mistake: Mistake,
}

impl World<'_> {
    /// One run, from what the target remembers to its end.
    fn live(&mut self, may_die: bool) -> End {
        let mut plan = (self.plan)();
        let mut left = outstanding(&plan, |step| self.target.ledger.contains(&step));
        if self.mistake == Mistake::ForgetsMilestones {
            for (id, step, mut needs) in plan.steps() {
                left[id.place()] |= step != Step::Milestone && needs.any(|need| left[need.place()]);
            }
        }
        plan.open(&left);
        let mut believed = self.target.ledger.clone();
        let mut failed = false;
        let mut running: Vec<(StepId, Step)> = Vec::new();
        let seats: HashMap<Pool, usize> =
            Pool::ALL.map(|pool| (pool, 1 + self.random.below(3))).into_iter().collect();
        loop {
            self.hand_out(&mut plan, &seats, &mut running);
            if running.is_empty() {
                assert!(plan.is_finished(), "steps are left and nobody can take them");
                return End::Over { failed };
            }
            if may_die && self.random.once_in(25) {
                self.die(&running);
                return End::Killed;
            }
            if may_die && self.random.once_in(40) {
                self.target.crash(&mut self.random);
                let is_set_back = !believed.is_subset(&self.target.ledger);
                if is_set_back && self.mistake != Mistake::TrustsItsMemory {
                    return End::SetBack;
                }
            }
            if self.random.once_in(6) {
                self.target.durable = self.target.log.len();
            }
            let (id, step) = running.swap_remove(self.random.below(running.len()));
            if may_die && self.random.once_in(60) {
                plan.fail(id);
                failed = true;
                continue;
            }
            self.commit(id, step);
            believed.insert(step);
            plan.finish(id);
        }
    }

    fn hand_out(
        &mut self,
        plan: &mut Plan,
        seats: &HashMap<Pool, usize>,
        running: &mut Vec<(StepId, Step)>,
    ) {
        for pool in Pool::ALL {
            let busy = running.iter().filter(|(_, step)| step.pool() == pool).count();
            for _ in busy..seats[&pool] {
                let Some(taken) = plan.take(pool) else { break };
                running.push(taken);
            }
        }
    }

    /// Commits a step. Sometimes the answer is lost: then the target is asked what it remembers.
    fn commit(&mut self, id: StepId, step: Step) {
        self.assert_has_its_needs(id, step);
        let is_new = self.target.commit(step);
        assert!(is_new, "{step:?} was done again");
        if self.random.once_in(8) {
            let is_done = self.target.ledger.contains(&step);
            if !is_done || self.mistake == Mistake::DoesNotAsk {
                assert!(self.target.commit(step), "{step:?} was done again");
            }
        }
    }

    /// The run is killed. What its sessions were doing may be committed all the same, in any order,
    /// before the next run finds out what was done.
    fn die(&mut self, running: &[(StepId, Step)]) {
        for (id, step) in running {
            if self.random.once_in(3) {
                self.assert_has_its_needs(*id, *step);
                self.target.commit(*step);
            }
        }
        if self.random.once_in(4) {
            self.target.crash(&mut self.random);
        }
    }

    /// Everything that a step builds upon is on the target, whatever anybody believes.
    fn assert_has_its_needs(&self, id: StepId, step: Step) {
        for need in &self.needs[id.place()] {
            assert!(self.target.ledger.contains(need), "{step:?} before {need:?}");
        }
    }

    /// Lives until everything is done, then looks at all of it.
    fn run_to_the_end(&mut self) {
        for lives in 0.. {
            if self.live(lives < 30) == (End::Over { failed: false }) {
                break;
            }
        }
        let mut wanted: Vec<Step> =
            (self.plan)().steps().map(|(_, s, _)| s).filter(|s| *s != Step::Milestone).collect();
        let mut done: Vec<Step> = self.target.log.clone();
        wanted.sort();
        done.sort();
        assert_eq!(done, wanted, "every step once");
    }
}

/// Runs some worlds; a failure says which seed it had.
fn simulate<P: Fn() -> Plan>(
    seeds: std::ops::Range<u64>,
    mistake: Mistake,
    plan: impl Fn(u64) -> P,
) {
    for seed in seeds {
        let _seed = Seed(seed);
        let plan = plan(seed);
        let (random, target, needs) = (Random(!seed), Target::default(), needs(&plan()));
        World { random, plan: &plan, needs, target, mistake }.run_to_the_end();
    }
}

/// Prints itself when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed is {}", self.0);
        }
    }
}

/// Each step's needs, with those of the milestones among them.
fn needs(plan: &Plan) -> Vec<Vec<Step>> {
    let mut resolved: Vec<Vec<Step>> = Vec::with_capacity(plan.len());
    for (_, _, needs) in plan.steps() {
        let mut own = Vec::new();
        for need in needs {
            match plan.step(need) {
                Step::Milestone => own.extend(&resolved[need.place()]),
                step => own.push(step),
            }
        }
        resolved.push(own);
    }
    resolved
}

fn plan_of_a_clone(seed: u64) -> impl Fn() -> Plan {
    let mut random = Random(seed);
    let (inventory, settings) = (inventory(&mut random), settings(&mut random));
    let tables = random.of(&[Tables::Made, Tables::Found]);
    let target = Made { version: random.of(&[150_000, 180_000]), tables };
    move || clone(&inventory, &settings, target)
}

fn plan_of_any_shape(seed: u64) -> impl Fn() -> Plan {
    move || graph(&mut Random(seed))
}

#[test]
fn whatever_is_killed_and_whenever_every_step_of_a_clone_is_done_once() {
    simulate(0..CLONES, Mistake::None, plan_of_a_clone);
}

#[test]
fn whatever_is_killed_and_whenever_every_step_of_any_plan_is_done_once() {
    simulate(0..GRAPHS, Mistake::None, plan_of_any_shape);
}

#[test]
#[should_panic(expected = " before ")]
fn a_run_that_trusts_its_memory_after_a_crash_is_found_out() {
    simulate(0..GRAPHS, Mistake::TrustsItsMemory, plan_of_any_shape);
}

#[test]
#[should_panic(expected = "was done again")]
fn a_run_that_does_not_ask_after_a_doubt_is_found_out() {
    simulate(0..GRAPHS, Mistake::DoesNotAsk, plan_of_any_shape);
}

#[test]
#[should_panic(expected = "was done again")]
fn a_run_that_does_again_what_builds_upon_milestones_is_found_out() {
    simulate(0..GRAPHS, Mistake::ForgetsMilestones, plan_of_a_clone);
}
