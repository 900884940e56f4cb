package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// ruled is a role with a condition on rows, free one without.
var (
	free  = `[{"type":"*","actions":["list","read"]}]`
	ruled = `[{"type":"*","actions":["list","read"],"where":{"or":[{"score":{"gte":10}},{"_createdBy":"$me"}]}}]`
)

// rights asks the same questions as a role without a condition on rows and as one with, turn by turn, so that what else the
// machine does weighs on both alike.
func (b *bench) rights(ctx context.Context, a *app.App) error {
	for name, permissions := range map[string]string{"bench-free": free, "bench-ruled": ruled} {
		if err := makeRole(ctx, a, name, permissions); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(seed, 3))
	for _, q := range questions() {
		var times [2][]time.Duration
		const warm, least = 20, 200
		for until := time.Now().Add(2 * time.Second); len(times[0]) < warm+least || time.Now().Before(until); {
			params := q.params(r)
			first := r.IntN(2)
			for _, i := range []int{first, 1 - first} {
				begun := time.Now()
				p, err := a.Reader().List(ctx, callers[i], typ, params)
				if err != nil {
					return err
				}
				if _, err := p.Answer(ctx); err != nil {
					return err
				}
				times[i] = append(times[i], time.Since(begun))
			}
		}
		var medians [2]float64
		for i := range times {
			slices.Sort(times[i][warm:])
			medians[i] = milliseconds(times[i][warm:][len(times[i][warm:])/2])
		}
		b.add(Figure{Name: "a rule on rows adds: " + q.name, Measured: 100 * (medians[1]/medians[0] - 1), Unit: "%", Target: 15,
			Note: fmt.Sprintf("%.3f ms, without %.3f ms", medians[1], medians[0])})
	}
	return nil
}

var callers = [2]*core.Principal{
	{ID: "user:bench", Kind: "user", Roles: []string{"bench-free"}, Rev: 1, About: map[string][]any{"_user": {"bench"}}},
	{ID: "user:bench", Kind: "user", Roles: []string{"bench-ruled"}, Rev: 1, About: map[string][]any{"_user": {"bench"}}},
}

func makeRole(ctx context.Context, a *app.App, name, permissions string) error {
	list, err := jsondoc.Parse([]byte(permissions))
	if err != nil {
		return err
	}
	op := core.Operation{Op: core.OperationCreate, Type: "_role", Data: map[string]any{"name": name, "permissions": list}}
	_, err = a.Content().Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: "bench"})
	return err
}
