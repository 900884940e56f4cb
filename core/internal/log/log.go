// Package log holds what the implementations of core.Log share: how commits are written down, what is refused
// before it reaches a store, and the check of a whole log.
//
//	sqlitelog  one SQLite file, for a single process
//	mongolog   a MongoDB database, for any number of nodes
//	logtest    the conformance suite: the specification of core.Log
//	consume    following a log from a checkpoint
//
// A document is kept as JSON text, byte for byte as it was accepted: no number, key or string can turn into a type or
// an operator of the store.
package log

import (
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/palabre-cms/palabre/core"
)

// The limits that every store keeps, so that what one accepts can be restored into another.
const (
	MaxKeyBytes   = 1024
	MaxValueBytes = 8 << 20
	// ReadBytes is about how much one Read gives at most, however many commits were asked for.
	ReadBytes = 8 << 20
)

// Record is a commit as it is written down: its heading in fields, Key, Digests, Origin and Changes as JSON text.
type Record struct {
	Position core.Position
	ID       string
	At       int64 // Unix milliseconds
	By       string
	Reason   string
	Key      string // "" without one
	Sum      string
	Digests  string // "" unless redacted
	Origin   string // JSON, "" without one; see origin.go
	Changes  string
}

// Records writes commits down for an Append and refuses what must not get into a log: positions that do not follow
// each other, texts that are not UTF-8, documents that are not JSON, more than core.MaxCommitBytes.
func Records(commits []core.Commit) ([]Record, error) {
	records := make([]Record, len(commits))
	for i := range commits {
		c := &commits[i]
		if c.Position == 0 || c.Position != commits[0].Position+core.Position(i) {
			return nil, core.Errorf(core.CodeInternal, "the positions of appended commits must be consecutive and begin at 1: got %d", c.Position)
		}
		r, err := NewRecord(c)
		if err != nil {
			return nil, err
		}
		records[i] = r
	}
	return records, nil
}

// NewRecord writes one commit down.
func NewRecord(c *core.Commit) (Record, error) {
	r := Record{Position: c.Position, ID: c.ID, At: c.At.UnixMilli(), By: c.By, Reason: c.Reason, Sum: c.Sum}
	for _, s := range [...]string{c.ID, c.By, c.Reason, c.Sum} {
		if !utf8.ValidString(s) {
			return r, core.Errorf(core.CodeInternal, "the heading of commit %d is not UTF-8", c.Position)
		}
	}
	if c.ID == "" {
		return r, core.Errorf(core.CodeInternal, "commit %d has no ID", c.Position)
	}
	if c.Key != nil {
		r.Key = string(encode(c.Key))
	}
	if c.Digests != nil {
		r.Digests = string(encode(c.Digests))
	}
	var err error
	if r.Origin, err = encodeOrigin(c); err != nil {
		return r, err
	}
	changes, err := EncodeChanges(c.Changes)
	if err != nil {
		return r, err
	}
	if len(changes) > core.MaxCommitBytes {
		return r, core.Errorf(core.CodeTooLarge, "one step of at most %d MB can be stored, this one has %d bytes: make smaller batches", core.MaxCommitBytes>>20, len(changes))
	}
	r.Changes = string(changes)
	return r, nil
}

// Commit reads the commit back.
func (r *Record) Commit() (core.Commit, error) {
	c := core.Commit{Position: r.Position, ID: r.ID, At: time.UnixMilli(r.At).UTC(), By: r.By, Reason: r.Reason, Sum: r.Sum}
	var err error
	// The changes are most of a log: reading them in place spares a copy. DecodeChanges keeps no part of its text.
	text := unsafe.Slice(unsafe.StringData(r.Changes), len(r.Changes))
	if c.Changes, err = DecodeChanges(text); err != nil {
		return c, r.damaged(err)
	}
	if r.Key != "" {
		if err := json.Unmarshal([]byte(r.Key), &c.Key); err != nil {
			return c, r.damaged(err)
		}
	}
	if r.Digests != "" {
		if err := json.Unmarshal([]byte(r.Digests), &c.Digests); err != nil {
			return c, r.damaged(err)
		}
	}
	if err := r.decodeOrigin(&c); err != nil {
		return c, r.damaged(err)
	}
	return c, nil
}

// Redact replaces the record's changes, unless rewrite leaves them: see core.Log.
func (r *Record) Redact(rewrite core.Rewrite) (did bool, err error) {
	c, err := r.Commit()
	if err != nil {
		return false, err
	}
	changes, err := rewrite(slices.Clone(c.Changes))
	if err != nil || changes == nil {
		return false, err
	}
	if err := c.Redact(changes); err != nil {
		return false, err
	}
	*r, err = NewRecord(&c)
	return err == nil, err
}

func (r *Record) damaged(err error) error {
	return core.Errorf(core.CodeInternal, "commit %d of the log cannot be read; restore a backup: %w", r.Position, err)
}

// Page gathers what one Read gives: commits without a hole, about ReadBytes at most.
type Page struct {
	Commits []core.Commit
	next    core.Position
	bytes   int
}

// NewPage begins a page at a position.
func NewPage(from core.Position) *Page { return &Page{next: max(from, 1)} }

// Add takes the next record and reports whether the page wants more. A commit that is missing or cannot be read is an
// error when it is the page's first; else the page ends before it, and the next one begins with the error.
func (p *Page) Add(r *Record) (more bool, err error) {
	if r.Position != p.next {
		return false, p.unlessBegun(core.Errorf(core.CodeInternal, "commit %d is missing from the log; restore a backup", p.next))
	}
	c, err := r.Commit()
	if err != nil {
		return false, p.unlessBegun(err)
	}
	p.Commits = append(p.Commits, c)
	p.next++
	p.bytes += len(r.Changes) + len(r.Digests) + len(r.Origin)
	return p.bytes < ReadBytes, nil
}

func (p *Page) unlessBegun(err error) error {
	if len(p.Commits) > 0 {
		return nil
	}
	return err
}

// CheckKV refuses a key or value that not every store could keep.
func CheckKV(kv core.KV) error {
	if len(kv.Value) > MaxValueBytes {
		return core.Errorf(core.CodeTooLarge, "the value of %q has %d bytes, more than the %d MB that can be stored", kv.Key, len(kv.Value), MaxValueBytes>>20)
	}
	return CheckName(kv.Key)
}

// CheckName refuses the name of a key or lease that not every store could keep.
func CheckName(name string) error {
	if name == "" || len(name) > MaxKeyBytes || !utf8.ValidString(name) || containsNUL(name) {
		return core.Errorf(core.CodeInternal, "%.40q cannot be the name of a key or lease: 1 to %d bytes of UTF-8 without NUL can", name, MaxKeyBytes)
	}
	return nil
}

func containsNUL(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// NextVersion gives the version of a value that replaces one of version old, or of a new one where old is 0. New ones
// begin at the microseconds of this machine's clock, so that a key that is deleted and made again does not repeat a
// version.
func NextVersion(old int64) int64 {
	return max(old+1, time.Now().UnixMicro())
}

// CheckLease refuses a lease that not every store could keep.
func CheckLease(name, holder string, ttl time.Duration) error {
	if ttl <= 0 {
		return core.Errorf(core.CodeInternal, "the lease %q must last longer than nothing, not %s", name, ttl)
	}
	if err := CheckName(holder); err != nil {
		return err
	}
	return CheckName(name)
}
