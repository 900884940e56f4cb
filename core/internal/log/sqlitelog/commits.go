package sqlitelog

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

const (
	insertCommit = `insert into commits (position, id, at, by, reason, key, sum, digests, changes, origin) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectCommit = `select position, id, at, by, reason, key, sum, digests, changes, origin from commits where position >= ? order by position limit ?`
	selectLast   = `select coalesce(max(position), 0) from commits`
	redactCommit = `update commits set changes = ?, digests = ? where position = ?`
	forgetCommit = `update commits set origin = ? where position = ?`
)

// Append writes the commits in one transaction: all of them, or, with any error, none.
func (l *Log) Append(ctx context.Context, commits []core.Commit) (int, error) {
	records, err := log.Records(commits)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := l.append(context.WithoutCancel(ctx), records); err != nil {
		return 0, err
	}
	l.announce(records[len(records)-1].Position)
	return len(records), nil
}

// append is not called with a context that can end: what it does takes milliseconds, and its outcome would be unknown.
func (l *Log) append(ctx context.Context, records []log.Record) error {
	tx, err := l.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return translate("append to the log", err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := free(tx, records[0].Position); err != nil {
		return err
	}
	insert := tx.StmtContext(ctx, l.insert)
	for i := range records {
		r := &records[i]
		if _, err := insert.ExecContext(ctx, int64(r.Position), r.ID, r.At, r.By, r.Reason, r.Key, r.Sum, r.Digests, r.Changes, r.Origin); err != nil {
			return translate("append to the log", err)
		}
	}
	return translateCommit(tx.Commit())
}

// free reports whether a position is the one after the last.
func free(tx *sql.Tx, p core.Position) error {
	end, err := last(tx.QueryRow(selectLast))
	switch {
	case err != nil:
		return err
	case p <= end:
		return core.ErrPositionTaken
	case p > end+1:
		return core.Errorf(core.CodeInternal, "a commit at %d would leave a gap in the log, which ends at %d", p, end)
	}
	return nil
}

// Read gives commits in order, fewer than limit when they are large.
func (l *Log) Read(ctx context.Context, from core.Position, limit int) ([]core.Commit, error) {
	if limit <= 0 || from > math.MaxInt64 {
		return nil, nil
	}
	rows, err := l.db.Read.QueryContext(ctx, selectCommit, int64(from), limit)
	if err != nil {
		return nil, translate("read the log", err)
	}
	defer rows.Close()
	page := log.NewPage(from)
	for more := true; more && rows.Next(); {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		if more, err = page.Add(&r); err != nil {
			return nil, err
		}
	}
	return page.Commits, translate("read the log", rows.Err())
}

func scan(row interface{ Scan(...any) error }) (log.Record, error) {
	var r log.Record
	var position int64
	err := row.Scan(&position, &r.ID, &r.At, &r.By, &r.Reason, &r.Key, &r.Sum, &r.Digests, &r.Changes, &r.Origin)
	r.Position = core.Position(position)
	return r, translate("read the log", err)
}

// Last gives the position of the last commit.
func (l *Log) Last(ctx context.Context) (core.Position, error) {
	return last(l.db.Read.QueryRowContext(ctx, selectLast))
}

func last(row *sql.Row) (core.Position, error) {
	var p int64
	if err := row.Scan(&p); err != nil {
		return 0, translate("find the end of the log", err)
	}
	return core.Position(p), nil
}

// Redact replaces the changes of a past commit.
func (l *Log) Redact(ctx context.Context, at core.Position, rewrite core.Rewrite) error {
	return l.rewrite(ctx, "redact the log", at, func(tx *sql.Tx, r *log.Record) error {
		did, err := r.Redact(rewrite)
		if did {
			_, err = tx.Exec(redactCommit, r.Changes, r.Digests, int64(at))
		}
		return err
	})
}

// Forget drops the origin of a past commit.
func (l *Log) Forget(ctx context.Context, at core.Position) error {
	return l.rewrite(ctx, "forget an origin", at, func(tx *sql.Tx, r *log.Record) error {
		had, err := r.Forget()
		if had && err == nil {
			_, err = tx.Exec(forgetCommit, r.Origin, int64(at))
		}
		return err
	})
}

// rewrite has f change the record of a past commit, which nobody else changes meanwhile.
func (l *Log) rewrite(ctx context.Context, what string, at core.Position, f func(tx *sql.Tx, r *log.Record) error) error {
	err := sqlite.Update(context.WithoutCancel(ctx), l.db.Write, func(tx *sql.Tx) error {
		r, err := scan(tx.QueryRow(selectCommit, int64(at), 1))
		if errors.Is(err, sql.ErrNoRows) || err == nil && r.Position != at {
			return core.Errorf(core.CodeNotFound, "the log has no commit %d", at)
		}
		if err != nil {
			return err
		}
		return f(tx, &r)
	})
	return translate(what, err)
}

// Shred writes the file anew and empties its WAL, so that neither holds what Redact has replaced.
func (l *Log) Shred(ctx context.Context) error {
	return translate("shred what was redacted", l.db.Shred(ctx))
}
