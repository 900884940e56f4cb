// Package backup writes everything that a log keeps into one file, and restores such a file into an empty log of any
// kind.
//
// The file is JSON Lines, compressed with zstd (any zstd tool reads it): a heading, the key-value side, every commit, a
// trailer with counts and a SHA-256 of the lines before it. Documents stand in it as text, so that they come back byte
// for byte. After the compressed data stands a skippable zstd frame with a SHA-256 of the file up to there: the seal.
// No byte can be altered, added or cut off without being noticed.
//
//	{"palabre":"backup","format":2,"at":"2026-03-29T02:00:00Z","position":4711,"sum":"9f86…"}
//	{"key":{"key":"consumer/mirror","value":"eyJwb3NpdGlvbiI6NDcxMX0="}}
//	{"commit":{"position":1,"id":"01j…","changes":[{"type":"fiche","draft":"{\"title\":\"…\"}",…}],…}}
//	{"end":{"commits":4711,"keys":1,"sha256":"…"}}
//
// Leases are left out: they belong to programs that run. So are keys that begin with Unsaved: they belong to the one store
// that they were made in. Versions of keys are given anew by the store.
package backup

import (
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Format is the version of the files that Write makes; Restore reads up to it. Format 2 has origins.
const Format = 2

// Unsaved begins the keys that no backup holds, such as a secret that must not work in a copy.
const Unsaved = "unsaved/"

// Progress is told from time to time how far the work has come.
type Progress func(done, total core.Position)

// Summary tells what a file holds.
type Summary struct {
	At       time.Time     // when the backup was begun, by the store's clock
	Position core.Position // the last commit in it
	Sum      string        // of that commit
	Keys     int
}

// line is one line of the file; exactly one member is set.
type line struct {
	Palabre  string        `json:"palabre,omitempty"` // "backup": this is the heading
	Format   int           `json:"format,omitempty"`
	At       *time.Time    `json:"at,omitempty"`
	Position core.Position `json:"position,omitempty"`
	Sum      string        `json:"sum,omitempty"`

	Key    *keyLine    `json:"key,omitempty"`
	Commit *commitLine `json:"commit,omitempty"`
	End    *endLine    `json:"end,omitempty"`
}

type keyLine struct {
	Key     string     `json:"key"`
	Value   []byte     `json:"value"`
	Expires *time.Time `json:"expires,omitempty"`
}

type endLine struct {
	Commits core.Position `json:"commits"`
	Keys    int           `json:"keys"`
	SHA256  string        `json:"sha256"`
}

type commitLine struct {
	Position core.Position `json:"position"`
	ID       string        `json:"id"`
	At       time.Time     `json:"at"`
	By       string        `json:"by"`
	Reason   string        `json:"reason,omitempty"`
	Key      *core.Key     `json:"key,omitempty"`
	Changes  []changeLine  `json:"changes"`
	Sum      string        `json:"sum"`
	Digests  []string      `json:"digests,omitempty"`

	Origin       *core.Origin `json:"origin,omitempty"`
	OriginSalt   string       `json:"originSalt,omitempty"`
	OriginDigest string       `json:"originDigest,omitempty"`
}

type changeLine struct {
	Type      core.TypeName `json:"type"`
	Entry     core.EntryID  `json:"entry"`
	Op        core.Op       `json:"op"`
	Action    core.Action   `json:"action,omitempty"`
	Meta      core.Meta     `json:"meta"`
	Draft     *string       `json:"draft,omitempty"`
	Published *string       `json:"published,omitempty"`
	Comment   string        `json:"comment,omitempty"`
	Salt      string        `json:"salt,omitempty"`
}

func writeDown(c *core.Commit) *commitLine {
	l := &commitLine{Position: c.Position, ID: c.ID, At: c.At.UTC(), By: c.By, Reason: c.Reason, Key: c.Key, Sum: c.Sum, Digests: c.Digests,
		Origin: c.Origin, OriginSalt: c.OriginSalt, OriginDigest: c.OriginDigest}
	for i := range c.Changes {
		ch := &c.Changes[i]
		l.Changes = append(l.Changes, changeLine{ch.Type, ch.Entry, ch.Op, ch.Action, ch.Meta, text(ch.Draft), text(ch.Published), ch.Comment, ch.Salt})
	}
	return l
}

func (l *commitLine) commit() core.Commit {
	c := core.Commit{Position: l.Position, ID: l.ID, At: l.At, By: l.By, Reason: l.Reason, Key: l.Key, Sum: l.Sum, Digests: l.Digests,
		Origin: l.Origin, OriginSalt: l.OriginSalt, OriginDigest: l.OriginDigest}
	for i := range l.Changes {
		ch := &l.Changes[i]
		c.Changes = append(c.Changes, core.Change{Type: ch.Type, Entry: ch.Entry, Op: ch.Op, Action: ch.Action, Meta: ch.Meta,
			Draft: doc(ch.Draft), Published: doc(ch.Published), Comment: ch.Comment, Salt: ch.Salt})
	}
	return c
}

func text(d core.Doc) *string {
	if d == nil {
		return nil
	}
	s := string(d)
	return &s
}

func doc(s *string) core.Doc {
	if s == nil {
		return nil
	}
	return core.Doc(*s)
}
