package mongolog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mirror remembers what the server can store.
type mirror struct {
	mu       sync.Mutex
	asked    bool
	decimals bool
}

// Mirror applies consecutive commits to the collections content_<type>. An entry is a document: _id, what Meta has
// under the same names (times as dates), position, and its documents "draft" and "published", null where there is
// none, with numbers as int64, double or decimal128, whichever holds them exactly, and everything else as in JSON.
// Keys that MongoDB could take for operators or paths are altered: see safeKey.
//
// An entry only moves forward: a commit at or before its position is passed over, so commits may come again. Types of
// the system are not mirrored: they hold what other programs must not read.
func (l *Log) Mirror(ctx context.Context, commits []core.Commit) error {
	values, err := l.mirrorValues(ctx)
	if err != nil {
		return err
	}
	for name, entries := range coalesce(commits) {
		if err := l.mirrorType(ctx, name, entries, values); err != nil {
			return err
		}
	}
	return nil
}

// mirrorValues gives the conversion that suits the server: FerretDB has no decimals.
func (l *Log) mirrorValues(ctx context.Context) (values, error) {
	l.mirror.mu.Lock()
	defer l.mirror.mu.Unlock()
	if l.mirror.asked {
		return values{decimals: l.mirror.decimals}, nil
	}
	call, cancel := limit(ctx)
	defer cancel()
	info, err := l.db.RunCommand(call, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	if err != nil {
		return values{}, l.translate(ctx, "ask for the server's abilities", err)
	}
	_, ferret := info.Lookup("ferretdbVersion").StringValueOK()
	l.mirror.asked, l.mirror.decimals = true, !ferret
	return values{decimals: l.mirror.decimals}, nil
}

// mirrored is what consecutive commits have done to one entry, put together.
type mirrored struct {
	position core.Position
	last     core.Change
	fresh    bool // a purge among them: nothing of before is left
}

// coalesce puts the changes of each entry together, by type, so that each is written once.
func coalesce(commits []core.Commit) map[core.TypeName]map[core.EntryID]*mirrored {
	types := map[core.TypeName]map[core.EntryID]*mirrored{}
	for i := range commits {
		for _, c := range commits[i].Changes {
			if c.Type.System() || c.Op == core.OpRedact {
				continue
			}
			entries := types[c.Type]
			if entries == nil {
				entries = map[core.EntryID]*mirrored{}
				types[c.Type] = entries
			}
			if entries[c.Entry] == nil {
				entries[c.Entry] = &mirrored{}
			}
			entries[c.Entry].add(commits[i].Position, c)
		}
	}
	return types
}

func (m *mirrored) add(p core.Position, c core.Change) {
	switch {
	case c.Op == core.OpPurge:
		m.fresh = true
	case m.last.Op == core.OpPut:
		c.Draft, c.Published = later(m.last.Draft, c.Draft), later(m.last.Published, c.Published)
	}
	m.position, m.last = p, c
}

func later(old, next core.Doc) core.Doc {
	if next == nil {
		return old
	}
	return next
}

const (
	// mirrorMost bounds the operations that are sent at once.
	mirrorMost = 100
	// mirrorTimeout is how long one such call may take: nobody waits for it, and a slow server must get on too.
	mirrorTimeout = time.Minute
)

func (l *Log) mirrorType(ctx context.Context, name core.TypeName, entries map[core.EntryID]*mirrored, v values) error {
	var models []mongo.WriteModel
	send := func() error {
		if len(models) == 0 {
			return nil
		}
		call, cancel := context.WithTimeout(ctx, mirrorTimeout)
		defer cancel()
		_, err := l.db.Collection("content_"+string(name)).BulkWrite(call, models, options.BulkWrite().SetOrdered(false))
		models = models[:0]
		if onlyNewer(err) {
			return nil
		}
		return l.translate(ctx, "mirror "+string(name), err)
	}
	for id, m := range entries {
		models = append(models, m.model(id, v))
		if len(models) == mirrorMost {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// onlyNewer reports whether an upsert failed for nothing but that the entry is there, and newer.
func onlyNewer(err error) bool {
	var refused mongo.BulkWriteException
	if !errors.As(err, &refused) || refused.WriteConcernError != nil {
		return false
	}
	for i := range refused.WriteErrors {
		if !mongo.IsDuplicateKeyError(refused.WriteErrors[i]) {
			return false
		}
	}
	return true
}

// model writes the entry unless it stands at the position or further on. Where it does, the filter misses it, and the
// upsert fails on its _id.
func (m *mirrored) model(id core.EntryID, v values) mongo.WriteModel {
	older := bson.D{{Key: "_id", Value: string(id)}, {Key: "position", Value: bson.D{{Key: "$lt", Value: int64(m.position)}}}}
	if m.last.Op == core.OpPurge {
		return mongo.NewDeleteOneModel().SetFilter(older)
	}
	return mongo.NewUpdateOneModel().SetFilter(older).SetUpsert(true).SetUpdate(bson.D{{Key: "$set", Value: m.fields(v)}})
}

func (m *mirrored) fields(v values) bson.D {
	meta := m.last.Meta
	d := bson.D{
		{Key: "rev", Value: meta.Rev}, {Key: "status", Value: string(meta.Status)},
		{Key: "createdAt", Value: meta.CreatedAt}, {Key: "createdBy", Value: meta.CreatedBy},
		{Key: "updatedAt", Value: meta.UpdatedAt}, {Key: "updatedBy", Value: meta.UpdatedBy},
		{Key: "publishedAt", Value: date(meta.PublishedAt)}, {Key: "trashedAt", Value: date(meta.TrashedAt)},
		{Key: "live", Value: live(meta.Live)}, {Key: "slugs", Value: meta.Slugs}, {Key: "schedule", Value: schedule(meta.Schedule)},
		{Key: "position", Value: int64(m.position)},
	}
	if doc := m.last.Draft; doc != nil || m.fresh {
		d = append(d, bson.E{Key: "draft", Value: v.document(doc)})
	}
	if doc := m.last.Published; doc != nil || m.fresh {
		d = append(d, bson.E{Key: "published", Value: v.document(doc)})
	}
	return d
}

func date(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

func live(v *core.Live) any {
	if v == nil {
		return nil
	}
	return bson.D{{Key: "rev", Value: v.Rev}, {Key: "at", Value: v.At}}
}

func schedule(list []core.Scheduled) bson.A {
	a := bson.A{}
	for _, s := range list {
		a = append(a, bson.D{{Key: "transition", Value: s.Transition}, {Key: "to", Value: string(s.To)},
			{Key: "effect", Value: string(s.Effect)}, {Key: "at", Value: s.At}, {Key: "by", Value: s.By}})
	}
	return a
}
