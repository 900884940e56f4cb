package mongolog

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// clockOf is a clock whose server is ahead by so much, or away.
func clockOf(ahead time.Duration, away *bool) *clock {
	return &clock{ask: func(context.Context) (time.Time, error) {
		if *away {
			return time.Time{}, errors.New("away")
		}
		return time.Now().Add(ahead), nil
	}}
}

func near(got, want time.Time) bool { return got.Sub(want).Abs() < 2*time.Second }

func TestClock_FollowsTheServer(t *testing.T) {
	t.Parallel()
	away := false
	c := clockOf(time.Hour, &away)
	if now, fresh := c.now(); fresh || !now.IsZero() {
		t.Errorf("before a measure: got %s, %t", now, fresh)
	}
	if now, err := c.measure(t.Context()); err != nil || !near(now, time.Now().Add(time.Hour)) {
		t.Errorf("measured: got %s, %v", now, err)
	}
	if now, fresh := c.now(); !fresh || !near(now, time.Now().Add(time.Hour)) {
		t.Errorf("counted on: got %s, %t", now, fresh)
	}
}

func TestClock_OldMeasureCountsOn(t *testing.T) {
	t.Parallel()
	away := false
	c := clockOf(0, &away)
	c.measure(t.Context())
	c.local, c.wall = c.local.Add(-time.Minute), c.wall.Add(-time.Minute) // as if it had been a minute ago
	now, fresh := c.now()
	if fresh || !near(now, time.Now().Add(time.Minute)) {
		t.Errorf("got %s, %t, want a minute more, and stale", now, fresh)
	}
	away = true
	var background sync.WaitGroup
	c.refresh(t.Context(), &background)
	background.Wait()
	if now, fresh := c.now(); fresh || now.IsZero() {
		t.Errorf("while the server is away: got %s, %t, want the old measure to go on", now, fresh)
	}
	away = false
	c.refresh(t.Context(), &background)
	background.Wait()
	if _, fresh := c.now(); !fresh {
		t.Error("the server is back, and the measure still stale")
	}
}

// TestClock_AfterSleep has the machine's wall clock go on by an hour and the monotonic one by a minute only.
func TestClock_AfterSleep(t *testing.T) {
	t.Parallel()
	away := false
	c := clockOf(0, &away)
	c.measure(t.Context())
	c.local = c.local.Add(-time.Minute)
	c.wall = c.wall.Add(-time.Hour)
	if now, _ := c.now(); !now.IsZero() {
		t.Errorf("got %s, want the measure thrown away", now)
	}
}
