package sqlitelog_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

// BenchmarkAppend_GroupedWriters has 8 writers wait for each of their commits, which a loop like that of the write path
// groups into one Append. It reports commits a second.
func BenchmarkAppend_GroupedWriters(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log.db"))
	type proposal struct {
		commit core.Commit
		done   chan error
	}
	queue := make(chan proposal, 64)
	go func() {
		next, sum := core.Position(1), ""
		for first := range queue {
			group := []proposal{first}
			for more := true; more; {
				select {
				case p, ok := <-queue:
					if more = ok; ok {
						group = append(group, p)
					}
				default:
					more = false
				}
			}
			commits := make([]core.Commit, len(group))
			for i := range group {
				group[i].commit.Position = next
				group[i].commit.Seal(sum)
				next, sum = next+1, group[i].commit.Sum
				commits[i] = group[i].commit
			}
			_, err := l.Append(context.Background(), commits)
			for _, p := range group {
				p.done <- err
			}
		}
	}()
	body := core.Doc(`"` + strings.Repeat("a", 3000) + `"`)
	const writers = 8
	b.ResetTimer()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			done := make(chan error, 1)
			for range b.N / writers {
				c := logtest.Chain(nil, 1)[0]
				c.Changes[0].Draft = body
				queue <- proposal{c, done}
				if err := <-done; err != nil {
					b.Error(w, err)
				}
			}
		})
	}
	all.Wait()
	close(queue)
	b.ReportMetric(float64(b.N/writers*writers)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkAppend_Batch appends commits of 200 changes of 3 kB, as an import makes them, and reports changes a second.
func BenchmarkAppend_Batch(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log.db"))
	change := logtest.Chain(nil, 1)[0].Changes[0]
	var changes []core.Change
	for i := range 200 {
		c := change
		c.Entry = core.NewID(time.Now())
		c.Draft = core.Doc(fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("œuvre d'été \\n", 210)))
		changes = append(changes, c)
	}
	var previous *core.Commit
	for b.Loop() {
		c := logtest.Chain(previous, 1)
		c[0].Changes = changes
		if _, err := l.Append(context.Background(), c); err != nil {
			b.Fatal(err)
		}
		previous = &c[0]
	}
	b.ReportMetric(float64(b.N*200)/b.Elapsed().Seconds(), "changes/s")
}

// BenchmarkRead reads a log of such batches, as a node does that starts without a catalog.
func BenchmarkRead(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log.db"))
	change := logtest.Chain(nil, 1)[0].Changes[0]
	change.Draft = core.Doc(fmt.Sprintf(`{"text":"%s"}`, strings.Repeat("œuvre d'été \\n", 210)))
	commits := logtest.Chain(nil, 10)
	for i := range commits {
		commits[i].Changes = nil
		for range 200 {
			commits[i].Changes = append(commits[i].Changes, change)
		}
	}
	if _, err := l.Append(context.Background(), commits); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for from := core.Position(1); ; {
			page, err := l.Read(context.Background(), from, 500)
			if err != nil {
				b.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			from += core.Position(len(page))
		}
	}
	b.ReportMetric(float64(b.N*2000)/b.Elapsed().Seconds(), "changes/s")
}
