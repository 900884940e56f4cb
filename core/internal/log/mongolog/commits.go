package mongolog

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// formatVersion stands in each commit that needs it. A program refuses commits that are newer than itself.
const (
	plainVersion  = 1 // without an origin, as the first programs wrote them
	formatVersion = 2
)

// insertMost is how many commits go into one insert. FerretDB goes on after the first error of an ordered insert
// when there are more than 100 documents, and would leave a gap.
const insertMost = 100

// stored is a commit as MongoDB keeps it.
type stored struct {
	Position int64     `bson:"_id"`
	Format   int32     `bson:"v"`
	ID       string    `bson:"id"`
	At       time.Time `bson:"at"`
	By       string    `bson:"by"`
	Reason   string    `bson:"reason,omitempty"`
	Key      string    `bson:"key,omitempty"`
	Sum      string    `bson:"sum"`
	Digests  string    `bson:"digests,omitempty"`
	Changes  string    `bson:"changes"`
	Origin   string    `bson:"origin,omitempty"`
}

func store(r *log.Record) stored {
	version := int32(plainVersion)
	if r.Origin != "" {
		version = formatVersion
	}
	return stored{Position: int64(r.Position), Format: version, ID: r.ID, At: time.UnixMilli(r.At).UTC(), By: r.By,
		Reason: r.Reason, Key: r.Key, Sum: r.Sum, Digests: r.Digests, Changes: r.Changes, Origin: r.Origin}
}

func (s *stored) readable() error {
	if s.Format > formatVersion {
		return core.Errorf(core.CodeConflict, "commit %d has format %d, made by a newer Palabre: this one reads up to %d", s.Position, s.Format, formatVersion)
	}
	return nil
}

func (s *stored) record() log.Record {
	return log.Record{Position: core.Position(s.Position), ID: s.ID, At: s.At.UnixMilli(), By: s.By, Reason: s.Reason, Key: s.Key,
		Sum: s.Sum, Digests: s.Digests, Changes: s.Changes, Origin: s.Origin}
}

// Append inserts the commits in order.
func (l *Log) Append(ctx context.Context, commits []core.Commit) (int, error) {
	records, err := log.Records(commits)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := l.noGap(ctx, records[0].Position); err != nil {
		return 0, err
	}
	for n := 0; n < len(records); {
		wrote, err := l.insert(ctx, records[n:min(n+insertMost, len(records))])
		n += wrote
		if n > 0 {
			l.tail.announce(records[n-1].Position)
		}
		if err != nil {
			return n, err
		}
	}
	return len(records), nil
}

// noGap refuses a first position that would not follow the last commit. The log never shrinks, so what was seen once
// need not be looked up again.
func (l *Log) noGap(ctx context.Context, first core.Position) error {
	if l.tail.known() >= first-1 {
		return nil
	}
	last, err := l.Last(ctx)
	if err != nil {
		return err
	}
	if first > last+1 {
		return core.Errorf(core.CodeInternal, "a commit at %d would leave a gap in the log, which ends at %d", first, last)
	}
	return nil
}

func (l *Log) insert(ctx context.Context, records []log.Record) (int, error) {
	docs := make([]stored, len(records))
	for i := range records {
		docs[i] = store(&records[i])
	}
	call, cancel := limit(ctx)
	defer cancel()
	call, sent := noteSent(call)
	_, err := l.commits.InsertMany(call, docs, options.InsertMany().SetOrdered(true))
	if err == nil {
		return len(records), nil
	}
	return l.outcome(ctx, err, sent())
}

// outcome tells how many commits a failed insert has written, as far as that is known.
func (l *Log) outcome(ctx context.Context, err error, sent bool) (int, error) {
	var refused mongo.BulkWriteException
	switch {
	case errors.As(err, &refused) && refused.WriteConcernError == nil && len(refused.WriteErrors) > 0:
		n := refused.WriteErrors[0].Index
		if mongo.IsDuplicateKeyError(err) {
			return n, core.ErrPositionTaken
		}
		return n, l.translate(ctx, "append to the log", err)
	case !sent || isDenied(err):
		return 0, l.translate(ctx, "append to the log", err)
	default:
		return 0, unavailable("append to the log", errors.Join(core.ErrUnknownOutcome, err, ctx.Err()))
	}
}

// Read gives commits in order, fewer than limit when they are large.
func (l *Log) Read(ctx context.Context, from core.Position, limitTo int) ([]core.Commit, error) {
	if limitTo <= 0 || from > math.MaxInt64 {
		return nil, nil
	}
	call, cancel := limit(ctx)
	defer cancel()
	cursor, err := l.commits.Find(call, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: int64(from)}}}},
		options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limitTo)))
	if err != nil {
		return nil, l.translate(ctx, "read the log", err)
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	page := log.NewPage(from)
	for more := true; more && cursor.Next(call); {
		if more, err = addTo(page, cursor); err != nil {
			return nil, err
		}
	}
	if n := len(page.Commits); n > 0 {
		l.tail.announce(page.Commits[n-1].Position)
	}
	return page.Commits, l.translate(ctx, "read the log", cursor.Err())
}

func addTo(page *log.Page, cursor *mongo.Cursor) (more bool, err error) {
	var s stored
	if err := cursor.Decode(&s); err != nil {
		return false, core.Errorf(core.CodeInternal, "a commit of the log cannot be read; restore a backup: %w", err)
	}
	if err := s.readable(); err != nil {
		return false, err
	}
	r := s.record()
	return page.Add(&r)
}

// Last gives the position of the last commit.
func (l *Log) Last(ctx context.Context) (core.Position, error) {
	call, cancel := limit(ctx)
	defer cancel()
	var end struct {
		Position int64 `bson:"_id"`
	}
	err := l.commits.FindOne(call, bson.D{}, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}}).SetProjection(bson.D{{Key: "_id", Value: 1}})).Decode(&end)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return 0, l.translate(ctx, "find the end of the log", err)
	}
	l.tail.announce(core.Position(end.Position))
	return core.Position(end.Position), nil
}
