package pluginhost

import (
	"context"
	"encoding/json"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

const (
	jobWithin    = time.Minute
	jobLongest   = 10 * time.Minute
	jobLook      = 10 * time.Second // how often the timetable is looked at, at least
	jobTardiness = 30 * time.Second // a time that was missed by more is passed over by a job that skips
)

// jobRetry are the pauses after a run that failed. The next time of the timetable comes all the same.
var jobRetry = []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute}

// run is where a job stands, under its key in the log: the next time, and how often it has failed at that.
type run struct {
	Next     time.Time `json:"next"`
	Attempts int       `json:"attempts,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// doJobs does a plugin's jobs while it is on. Every node looks; the lease and the version of the run decide who does it.
func (h *Host) doJobs(ctx context.Context, o *one) {
	select {
	case o.working <- struct{}{}: // one that was turned off and on again waits for a job that does not end
		defer func() { <-o.working }()
	case <-ctx.Done():
		return
	}
	for {
		wait := jobLook
		for i := range o.Jobs {
			if ctx.Err() == nil {
				wait = min(wait, h.doJob(ctx, o, &o.Jobs[i]))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(h.pause(wait)):
		}
	}
}

// hastily is how often a clock is looked at that jumps.
const hastily = 10 * time.Millisecond

// pause is how long to wait for something that is due after a time.
func (h *Host) pause(wait time.Duration) time.Duration {
	if h.parts.Hasty {
		return hastily
	}
	return max(wait, hastily)
}

// doJob runs a job if its time has come, and gives how long it takes until one does.
func (h *Host) doJob(ctx context.Context, o *one, j *plugin.Job) time.Duration {
	timetable, err := cron.ParseStandard(j.Spec)
	if err != nil {
		h.logger.Error("a job has no timetable", "plugin", o.id(), "job", j.Name, "error", err)
		return jobLook
	}
	key := o.prefix() + "job/" + j.Name
	now := h.now().UTC()
	r, version, err := h.load(ctx, key)
	if err != nil {
		return jobLook
	}
	if version == 0 { // never seen: its first time is to come
		_, _ = h.save(ctx, key, run{Next: timetable.Next(now)}, 0)
		return 0
	}
	if wait := r.Next.Sub(now); wait > 0 {
		return wait
	}
	due := r.Next
	if j.Skip && now.Sub(due) > jobTardiness && r.Attempts == 0 {
		_, _ = h.save(ctx, key, run{Next: timetable.Next(now)}, version)
		return 0
	}
	return h.claimAndRun(ctx, o, j, timetable, key, r, version)
}

// claimAndRun runs a job on this node if no other one is at it. The claim is a lease, so that a node that dies leaves the run
// to another, and the version, so that one which was suspended does not record what another has done since.
func (h *Host) claimAndRun(ctx context.Context, o *one, j *plugin.Job, timetable cron.Schedule, key string, r run, version int64) time.Duration {
	within := jobWithin
	if j.Within > 0 {
		within = min(j.Within, jobLongest)
	}
	if _, err := h.parts.Log.Lease(ctx, key, h.parts.Holder, within+10*time.Second); err != nil {
		return time.Second
	}
	defer func() { _ = h.parts.Log.Release(context.WithoutCancel(ctx), key, h.parts.Holder) }()
	again, at, err := h.load(ctx, key)
	if err != nil || at != version || !again.Next.Equal(r.Next) {
		return 0 // another has done it meanwhile
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = o.guarded("job "+j.Name, func() error { return j.Run(limited, o) })
	if ctx.Err() != nil {
		return 0 // it was broken off: it is due still, for whoever comes next
	}
	now := h.now().UTC()
	next := run{Next: timetable.Next(now)}
	if err != nil {
		h.logger.Warn("a job failed", "plugin", o.id(), "job", j.Name, "attempt", r.Attempts+1, "error", err)
		next.Error = err.Error()
		if r.Attempts < len(jobRetry) {
			retry := now.Add(jobRetry[r.Attempts])
			if retry.Before(next.Next) {
				next.Next, next.Attempts = retry, r.Attempts+1
			}
		}
	}
	_, err = h.save(context.WithoutCancel(ctx), key, next, version)
	if err != nil && core.CodeOf(err) != core.CodeConflict {
		h.logger.Warn("where a job stands cannot be recorded", "plugin", o.id(), "job", j.Name, "error", err)
	}
	return 0
}

func (h *Host) load(ctx context.Context, key string) (run, int64, error) {
	var r run
	kv, err := h.parts.Log.Get(ctx, key)
	if core.CodeOf(err) == core.CodeNotFound {
		return r, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(kv.Value, &r)
	}
	return r, kv.Version, err
}

func (h *Host) save(ctx context.Context, key string, r run, version int64) (int64, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	return h.parts.Log.Set(ctx, core.KV{Key: key, Value: text, Version: version})
}
