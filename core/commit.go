package core

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// MaxCommitBytes is the most that the changes of one commit may weigh as JSON.
const MaxCommitBytes = 8 << 20

// Commit is one atomic step of the log. Its Position is its identity for readers; its ID is what a writer
// recognises its own commit by after an unknown outcome.
type Commit struct {
	Position Position  `json:"position"`
	ID       string    `json:"id"`               // a ULID made by the writer
	At       time.Time `json:"at"`               // the store's clock, UTC, milliseconds
	By       string    `json:"by"`               // the Principal's ID
	Reason   string    `json:"reason,omitempty"` // "create", "publish", "import", …
	Key      *Key      `json:"key,omitempty"`    // the request's Idempotency-Key, when it had one
	Changes  []Change  `json:"changes"`
	Sum      string    `json:"sum"` // chains the log: see Seal
	// Digests is set once an erasure has replaced some of the changes: what each change's digest was when the commit
	// was sealed, in hex. See Redact.
	Digests []string `json:"digests,omitempty"`
	// Origin is where the request came from; nil for what came from nowhere, as a schedule, and once it was forgotten. The sum
	// is over OriginDigest, a digest of it and of the random OriginSalt, so that it can be forgotten without breaking the
	// chain, and not be guessed back from what is left. See Forget.
	Origin       *Origin `json:"origin,omitempty"`
	OriginSalt   string  `json:"originSalt,omitempty"`
	OriginDigest string  `json:"originDigest,omitempty"`
}

// Key remembers an Idempotency-Key (kept hashed) and what was asked under it.
type Key struct {
	Hash    string `json:"hash"`    // of the key and the caller
	Request string `json:"request"` // of the method, the path and the body
}

// Op is what a change does to an entry.
type Op string

const (
	OpPut    Op = "put"    // the entry is as the change says; an absent document is as it was
	OpPurge  Op = "purge"  // the entry is gone for good
	OpRedact Op = "redact" // an erasure rewrote this entry's past; its state is as it was
)

// Change is what a commit did to one entry. Meta is whole in every change. A document that is nil is
// unchanged; JSON null removes it. So each revision's content stands in the change that made it.
type Change struct {
	Type      TypeName `json:"type"`
	Entry     EntryID  `json:"entry"`
	Op        Op       `json:"op"`
	Action    Action   `json:"action,omitempty"` // the editorial intent: create, update, publish, …
	Meta      Meta     `json:"meta"`
	Draft     Doc      `json:"draft,omitempty"`
	Published Doc      `json:"published,omitempty"`
	Comment   string   `json:"comment,omitempty"` // what the author said of it
	// Salt is random and part of the change's digest, so that what an erasure has taken out of the change cannot be guessed
	// back from the digest, which stays. It goes when the change is redacted, and is "" in logs from before there were any.
	Salt string `json:"salt,omitempty"`
}

// NewSalt makes a salt.
func NewSalt() string {
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // never fails
	return hex.EncodeToString(salt[:])
}

// NullDoc in a Change removes the document.
var NullDoc = Doc("null")

// IsNull reports whether a change removes this document.
func IsNull(d Doc) bool { return bytes.Equal(d, NullDoc) }

// Fold applies the change to the entry's state before it (nil when it did not exist) and gives the state
// after it, nil when it was purged. It does not alter old.
func (c *Change) Fold(old *Entry) *Entry {
	if c.Op == OpPurge {
		return nil
	}
	if c.Op == OpRedact {
		return old
	}
	e := &Entry{Type: c.Type, ID: c.Entry, Meta: c.Meta}
	if old != nil {
		e.Draft, e.Published = old.Draft, old.Published
	}
	if c.Draft != nil {
		e.Draft = docOrNil(c.Draft)
	}
	if c.Published != nil {
		e.Published = docOrNil(c.Published)
	}
	return e
}

func docOrNil(d Doc) Doc {
	if IsNull(d) {
		return nil
	}
	return d
}

// ChangeTo makes the change that leads from old (nil for a new entry) to next.
func ChangeTo(old, next *Entry, action Action) Change {
	c := Change{Type: next.Type, Entry: next.ID, Op: OpPut, Action: action, Meta: next.Meta}
	var oldDraft, oldPublished Doc
	if old != nil {
		oldDraft, oldPublished = old.Draft, old.Published
	}
	c.Draft, c.Published = docChange(oldDraft, next.Draft), docChange(oldPublished, next.Published)
	return c
}

func docChange(old, next Doc) Doc {
	switch {
	case bytes.Equal(old, next):
		return nil
	case next == nil:
		return NullDoc
	default:
		return next
	}
}

// Seal computes the commit's sum from the sum of the commit before it ("" at position 1): a SHA-256 over that
// sum, the commit's heading, the digest of its origin, where it has one, and of its changes, in hex. A commit that was
// altered or removed afterwards breaks the chain at the next one.
func (c *Commit) Seal(previous string) {
	if c.Origin != nil {
		c.sealOrigin()
	}
	c.Sum = c.sum(previous)
}

// Verify checks the commit against the sum of the one before it. Of a redacted commit it checks all but the changes
// that were replaced: those are listed by Redacted, and each must have been recorded by a later OpRedact. Of a forgotten
// origin there is nothing left to check.
func (c *Commit) Verify(previous string) error {
	if !c.originStands() {
		return fmt.Errorf("commit %d does not come from where it says: its origin was altered", c.Position)
	}
	if c.Digests != nil && len(c.Digests) != len(c.Changes) {
		return fmt.Errorf("commit %d has %d changes and %d digests: it was altered", c.Position, len(c.Changes), len(c.Digests))
	}
	if got := c.sum(previous); got != c.Sum {
		return fmt.Errorf("commit %d does not match its sum: it, or the one before, was altered", c.Position)
	}
	return nil
}

func (c *Commit) sum(previous string) string {
	h := sha256.New()
	key := Key{}
	if c.Key != nil {
		key = *c.Key
	}
	fmt.Fprintf(h, "%s\n%d\n%s\n%d\n%q\n%q\n%q %q\n", previous, c.Position, c.ID, c.At.UnixMilli(), c.By, c.Reason, key.Hash, key.Request)
	if c.OriginDigest != "" { // else the sum is what it was before commits had origins
		fmt.Fprintf(h, "origin %q\n", c.OriginDigest)
	}
	for i := range c.Changes {
		h.Write(c.sealed(i))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sealed gives the digest that a change had when the commit was sealed.
func (c *Commit) sealed(i int) []byte {
	if c.Digests == nil {
		return c.Changes[i].digest()
	}
	digest, err := hex.DecodeString(c.Digests[i])
	if err != nil {
		return nil // no digest at all: the sum cannot come out right
	}
	return digest
}

// Redact replaces the changes of a sealed commit for an erasure, one by one: each new change must stand for the same
// entry and operation as the old one, and loses its salt where it is another. The sum stays and can still be checked, since
// the digests of what was sealed are kept.
func (c *Commit) Redact(changes []Change) error {
	if len(changes) != len(c.Changes) {
		return Errorf(CodeInternal, "a redaction of commit %d must replace its %d changes one by one, not by %d", c.Position, len(c.Changes), len(changes))
	}
	digests := make([]string, len(changes))
	for i := range changes {
		old, next := &c.Changes[i], &changes[i]
		if old.Type != next.Type || old.Entry != next.Entry || old.Op != next.Op {
			return Errorf(CodeInternal, "a redaction of commit %d must keep the type, entry and operation of each change", c.Position)
		}
		digests[i] = hex.EncodeToString(c.sealed(i))
		if !bytes.Equal(old.digest(), next.digest()) {
			next.Salt = ""
		}
	}
	c.Changes, c.Digests = changes, digests
	return nil
}

// Redacted lists which changes are not those that were sealed, by index.
func (c *Commit) Redacted() []int {
	var list []int
	for i := range c.Digests {
		if i < len(c.Changes) && hex.EncodeToString(c.Changes[i].digest()) != c.Digests[i] {
			list = append(list, i)
		}
	}
	return list
}

func (c *Change) digest() []byte {
	meta, err := json.Marshal(c.Meta)
	if err != nil {
		panic("core: a change's meta cannot be encoded: " + err.Error()) // plain fields: it always can
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q\n%s\n%d %d\n", c.Type, c.Entry, c.Op, c.Action, c.Comment, meta, len(c.Draft), len(c.Published))
	h.Write(c.Draft)
	h.Write(c.Published)
	if c.Salt != "" { // else the digest is what it was before changes had salts
		fmt.Fprintf(h, "\nsalt %q", c.Salt)
	}
	return h.Sum(nil)
}
