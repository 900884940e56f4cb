package catalog

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for began := time.Now(); !met(); <-time.After(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// Readers of views keep neither writers nor folds, however long they take, and read on when the file is replaced meanwhile.
func TestView_readersKeepNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	var faults atomic.Int32
	v.Failed = func(*core.ViewFault) { faults.Add(1) }
	w.follow(v)
	w.fill(20)
	w.level(v)
	pool := w.c.docs.views
	var release []*sql.Conn
	for range pool.Stats().MaxOpenConnections {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, conn)
		t.Cleanup(func() { conn.Close() })
	}
	before := pool.Stats().WaitCount
	read := make(chan error, 1)
	go func() {
		rows, err := w.c.ViewRows(t.Context(), v.ViewName, "newest/", "", 0)
		if err == nil && (len(rows) != 7 || rows[6].Key != "newest/"+padded(21)) {
			err = fmt.Errorf("read %s", rows)
		}
		read <- err
	}()
	until(t, "somebody reads", func() bool { return pool.Stats().WaitCount > before })
	applied := make(chan struct{})
	go func() { w.apply(w.budget()); close(applied) }()
	until(t, "the commit is applied", func() bool {
		select {
		case <-applied:
			return true
		default:
			return false
		}
	})
	if got := w.status(v); got.Standing != core.ViewLevel || faults.Load() > 0 {
		t.Errorf("stands %+v, and failed %d times", got, faults.Load())
	}
	for _, conn := range release {
		conn.Close()
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
	calls := 0
	err := w.c.readView(v.ViewName, func(docs *documents, table int64) error {
		if calls++; calls == 1 {
			w.rebuild()
			return errors.New("the file is closed")
		}
		_, err := docs.stmts.views.get(t.Context(), table, "entries")
		return err
	})
	if err != nil || calls != 2 {
		t.Errorf("while the file was replaced: %v after %d calls", err, calls)
	}
	w.level(v)
}

// The time that a fold waits for others who read is not its own.
func TestView_waitsForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options = Options{foldWithin: time.Second}
	w.reopen()
	v := journalView()
	var faults atomic.Int32
	folding := make(chan *overlay, 1)
	v.Fold = func(table core.Table, c core.Commit) error {
		if o, is := table.(*overlay); is && c.Position == 2 {
			folding <- o
		}
		return journal(table, c)
	}
	v.Failed = func(*core.ViewFault) { faults.Add(1) }
	w.follow(v)
	w.fill(1)
	w.level(v)
	w.c.docs.urgent <- struct{}{}
	applied := make(chan struct{})
	go func() { w.apply(w.budget()); close(applied) }()
	o := <-folding
	until(t, "the fold has waited for longer than it may take", func() bool { return o.waits.total() > 2*w.options.foldWithin })
	<-w.c.docs.urgent
	<-applied
	if faults.Load() > 0 {
		t.Errorf("it failed %d times", faults.Load())
	}
	w.level(v)
}

// Nor does a verification keep writers while it waits for readers.
func TestVerify_waitsForReaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	w.follow(v)
	w.fill(20)
	w.level(v)
	pool := w.c.docs.views
	var release []*sql.Conn
	for range viewConns {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, conn)
		t.Cleanup(func() { conn.Close() })
	}
	before := pool.Stats().WaitCount
	found := make(chan *core.Verified, 1)
	go func() {
		v, err := w.c.Verify(t.Context(), memoryLog{w: w})
		if err != nil {
			t.Error(err)
		}
		found <- v
	}()
	until(t, "the verification waits", func() bool { return pool.Stats().WaitCount > before })
	w.fill(1)
	for _, conn := range release {
		conn.Close()
	}
	if v := <-found; v == nil || len(v.Differences) > 0 || v.Position != 21 {
		t.Errorf("found %+v", v)
	}
}

// What one Scan gives is bounded in bytes, for a reader and for a fold alike, and wherever the rows are.
func TestScan_bytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value := json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), mostValueBytes-2)) + `"`)
	v := journalView()
	v.Fold = func(table core.Table, c core.Commit) error {
		table.Put(padded(c.Position), value)
		switch rows := table.Scan("", "", 0); {
		case len(rows) > 4:
			return fmt.Errorf("a fold was given %d MiB at once", len(rows))
		case c.Position > 4 && (len(rows) != 4 || rows[3].Key != padded(4)):
			return fmt.Errorf("at %d a fold was given %d rows", c.Position, len(rows))
		}
		return nil
	}
	w.follow(v)
	w.fill(9)
	if err := w.c.WaitForView(t.Context(), v.ViewName); err != nil {
		t.Fatal(err)
	}
	after, scans, all := "", 0, 0
	for ; ; scans++ {
		rows, err := w.c.ViewRows(t.Context(), v.ViewName, "", after, 0)
		if err != nil || len(rows) > 4 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if len(rows) == 0 {
			break
		}
		after, all = rows[len(rows)-1].Key, all+len(rows)
	}
	if scans != 3 || all != 9 {
		t.Errorf("%d rows in %d scans", all, scans)
	}
}
