package core

import (
	"context"
	"errors"
	"time"
)

// ErrPositionTaken says that another writer has already committed at the first position asked for.
// Read from there, validate again, try again.
var ErrPositionTaken = errors.New("the position is taken")

// ErrUnknownOutcome says that the store did not answer: the commits may or may not be there. Read the first
// position back and compare the commit's ID.
var ErrUnknownOutcome = errors.New("the outcome is unknown")

// Log is where everything is kept: commits at positions without gaps, and a small key-value side for what
// must be shared by nodes but is not content. All methods may be called at once. A store that is away gives an
// Error with CodeUnavailable.
type Log interface {
	// Now gives the store's clock, in UTC. Due times are judged by it, never by a node's.
	Now(ctx context.Context) (time.Time, error)
	// Append writes commits at their positions, which are consecutive, and returns when they are durable (a majority
	// of a replica set, on disk). A reader never sees a later commit of the call without the earlier ones.
	// It gives how many were written: with ErrPositionTaken, those before the first taken position.
	Append(ctx context.Context, commits []Commit) (int, error)
	// Read gives at most limit commits from a position on, in order. An empty answer is the end of the log.
	Read(ctx context.Context, from Position, limit int) ([]Commit, error)
	// Last gives the position of the last commit, 0 for an empty log.
	Last(ctx context.Context) (Position, error)
	// Wait returns nil when a commit after the position may exist, or ctx's error. It may return early.
	Wait(ctx context.Context, after Position) error
	// Redact replaces the changes of a past commit by what rewrite makes of a copy of them, for erasure: everything else of
	// the commit, its Sum included, stays, and the digests of what was sealed are kept in Digests (see Commit.Redact for
	// what is refused). Redactions of one commit at once, on any nodes, do not undo each other: rewrite is given what is
	// there, and called again where that has moved meanwhile. It must not call the log. When it gives nil, nothing is
	// written. CodeNotFound for a position that has no commit.
	Redact(ctx context.Context, at Position, rewrite Rewrite) error
	// Forget drops the origin of a past commit, and its salt: see Commit.Forget. It is no error where there is none.
	// CodeNotFound for a position that has no commit.
	Forget(ctx context.Context, at Position) error
	// Get, Set and Delete are the key-value side. Get gives CodeNotFound for an absent or expired key. Set
	// with Version 0 creates, with another it replaces exactly that version; else CodeConflict. It gives the new
	// version. A zero Expires never expires.
	Get(ctx context.Context, key string) (KV, error)
	Set(ctx context.Context, kv KV) (version int64, err error)
	Delete(ctx context.Context, key string) error
	// Keys lists the keys that begin with a prefix, sorted.
	Keys(ctx context.Context, prefix string) ([]string, error)
	// Weigh counts the keys that begin with a prefix, and the bytes of them and of their values.
	Weigh(ctx context.Context, prefix string) (Weight, error)
	// Lease takes or renews the named lease for a holder, by the store's clock. It gives a fencing token that rises
	// with every change of holder, or CodeConflict while another holds it.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (token int64, err error)
	// Release gives a lease back early; one that is not held is no error.
	Release(ctx context.Context, name, holder string) error
	// Close frees what the log holds. Calls under way may fail.
	Close() error
}

// AppendSettled is Append for a caller who must know: an unknown outcome is settled by looking for the commits by
// their IDs and, as long as they are not there, by appending them again, which is safe since a position can only be
// taken once. It gives how many are in the log, and ErrPositionTaken when others took the rest; ErrUnknownOutcome is
// left only when the store stays away until ctx is done or the attempts are used up.
func AppendSettled(ctx context.Context, l Log, commits []Commit) (int, error) {
	var err error
	n, unknown := 0, false
	for range settleAttempts {
		var wrote int
		wrote, err = l.Append(ctx, commits[n:])
		n += wrote
		unknown = unknown || errors.Is(err, ErrUnknownOutcome)
		if err == nil || (!unknown && !errors.Is(err, ErrPositionTaken)) {
			return n, err
		}
		found, others, readErr := ownCommits(ctx, l, commits[n:])
		n += found
		switch {
		case readErr != nil && unknown:
			return n, errors.Join(ErrUnknownOutcome, err, readErr)
		case readErr != nil:
			return n, err
		case n == len(commits):
			return n, nil
		case others:
			return n, ErrPositionTaken
		}
	}
	return n, err
}

const settleAttempts = 3

// ownCommits counts how many of the commits stand at their positions, from the first on, and reports whether the
// position after them holds a commit of others.
func ownCommits(ctx context.Context, l Log, commits []Commit) (n int, others bool, err error) {
	for n < len(commits) {
		page, err := l.Read(ctx, commits[n].Position, len(commits)-n)
		if err != nil || len(page) == 0 {
			return n, false, err
		}
		for i := range page {
			if page[i].ID != commits[n].ID {
				return n, true, nil
			}
			n++
		}
	}
	return n, false, nil
}

// Rewrite makes other changes of those of a commit, one by one, or gives nil to leave them.
type Rewrite func(changes []Change) ([]Change, error)

// KV is a value of the key-value side.
type KV struct {
	Key     string
	Value   []byte
	Version int64
	Expires time.Time
}

// Weight is what a part of the key-value side comes to.
type Weight struct {
	Keys  int64
	Bytes int64 // of the keys and the values
}

// Mirrorer is a Log that also keeps the current state of every entry where other programs can read it.
type Mirrorer interface {
	// Mirror applies commits to the mirror. It is idempotent; the caller keeps the checkpoint.
	Mirror(ctx context.Context, commits []Commit) error
}

// Shredder is a Log that can leave nothing on its disk of what was replaced: Redact alone may leave old bytes in free parts of
// a file. A server with storage of its own (MongoDB) overwrites in its own time, and is no Shredder.
type Shredder interface {
	// Shred returns when none of the log's files holds what Redact has replaced or Delete has taken away. It may be called again;
	// writes wait meanwhile.
	Shred(ctx context.Context) error
}

// Consumer follows the log: at least once, in order, from a checkpoint that the store keeps, on one node at a time.
type Consumer struct {
	Name string
	// Handle takes consecutive commits. An error is retried with back-off, from the first commit of the call.
	Handle func(ctx context.Context, commits []Commit) error
	// Between, where there is one, is called before each look at the log, for what is due by time rather than by a commit. It
	// gives how long the next call may wait at most; 0 for as long as there is no commit.
	Between func(ctx context.Context) time.Duration
	// Begin is the position after which a consumer begins that nothing is known of yet: what was before it may be no business of
	// its own.
	Begin Position
}
