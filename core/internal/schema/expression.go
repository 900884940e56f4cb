package schema

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/palabre-cms/palabre/core"
)

// The bounds of an expression. One that keeps to them takes time and memory in proportion to the document: every list is gone
// through a fixed number of times, and nothing multiplies.
const (
	maxExpression      = 1_000 // bytes
	maxExpressionNodes = 100
	maxExpressionText  = 64 << 10 // of a text that comes out
)

// expressionFunctions are what an expression may call. Those that are not here know the time, or can make much out of little.
var expressionFunctions = []string{"all", "any", "one", "none", "filter", "find", "findLast", "count", "sum", "mean", "median", "min", "max",
	"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split", "join",
	"hasPrefix", "hasSuffix", "indexOf", "lastIndexOf", "first", "last", "take", "uniq", "date", "duration", "keys", "values", "get"}

// newExpression compiles the expression of a computed field, or says what is wrong with it. fields are the names that it may use.
func newExpression(text string, fields []string) (*core.ComputeRule, core.Text) {
	if text == "" || len(text) > maxExpression {
		return nil, say("Une expression a de 1 à %d caractères.", "An expression has 1 to %d characters.", maxExpression)
	}
	reading := &expressionReader{fields: fields}
	options := []expr.Option{expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.MaxNodes(maxExpressionNodes), expr.Timezone("UTC"),
		expr.DisableAllBuiltins(), expr.Patch(reading)}
	for _, name := range expressionFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, say("L’expression ne se lit pas : %s", "The expression cannot be read: %s", first)
	}
	if wrong := reading.wrong(); wrong != nil {
		return nil, wrong
	}
	return &core.ComputeRule{Computation: &core.Computation{Name: text, Compute: func(_ context.Context, c core.Computing) (any, error) {
		return evaluate(program, c.Doc), nil
	}}}, nil
}

// evaluate gives what an expression comes to; nil where a part of it is missing or of another kind than it takes.
func evaluate(program *vm.Program, doc map[string]any) any {
	env, _ := operand(doc).(map[string]any)
	value, err := expr.Run(program, env)
	if err != nil {
		return nil
	}
	return outcome(value)
}

// expressionReader looks through an expression for what it must not say.
type expressionReader struct {
	fields  []string
	used    []string
	own     []string // its variables
	ranges  bool
	nesting bool
}

// Visit implements ast.Visitor.
func (r *expressionReader) Visit(n *ast.Node) {
	at := n
	switch n := (*n).(type) {
	case *ast.IdentifierNode:
		r.used = append(r.used, n.Value)
		if slices.Contains(r.fields, n.Value) { // also one that is called like a function: count, date
			ast.Patch(at, &ast.MemberNode{Node: &ast.IdentifierNode{Value: environment}, Property: &ast.StringNode{Value: n.Value}})
		}
	case *ast.VariableDeclaratorNode:
		r.own = append(r.own, n.Name)
	case *ast.BinaryNode:
		r.ranges = r.ranges || n.Operator == ".."
	case *ast.PredicateNode:
		inner := &predicates{}
		ast.Walk(&n.Node, inner)
		r.nesting = r.nesting || inner.found
	}
}

// predicates finds out whether there is one.
type predicates struct{ found bool }

// Visit implements ast.Visitor.
func (p *predicates) Visit(n *ast.Node) {
	if _, is := (*n).(*ast.PredicateNode); is {
		p.found = true
	}
}

// environment is the name of the whole document in expressions, for names that are none there: $env["end-date"].
const environment = "$env"

func (r *expressionReader) wrong() core.Text {
	for _, name := range r.used {
		if name == environment || slices.Contains(r.own, name) || slices.Contains(r.fields, name) {
			continue
		}
		return meant(say("L’expression parle de « %s », qui n’est pas un champ de ce type.", "The expression speaks of “%s”, which is no field of this type.", short(name)), name, r.fields)
	}
	for _, name := range r.own {
		if slices.Contains(r.fields, name) {
			return say("« %s » est un champ : donnez un autre nom à la variable.", "“%s” is a field: give the variable another name.", name)
		}
	}
	switch {
	case r.ranges:
		return say("Une expression ne compte pas de a à b (..).", "An expression does not count from a to b (..).")
	case r.nesting:
		return say("Une expression ne parcourt pas une liste pour chaque élément d’une autre.", "An expression does not go through a list for each item of another.")
	}
	return nil
}

// operand makes of a value of a document what expressions calculate with.
func operand(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(string(v)); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = operand(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = operand(item)
		}
		return out
	}
	return v
}

// outcome makes a value of a document of what an expression has come to; nil of what is none.
func outcome(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if len(v) > maxExpressionText {
			return nil
		}
		return v
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return json.Number(strconv.FormatFloat(v, 'g', 15, 64)) // 0.1 + 0.2 is 0.3
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case time.Duration:
		return json.Number(strconv.FormatFloat(v.Seconds(), 'g', 15, 64))
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			if item = outcome(item); item != nil {
				list = append(list, item)
			}
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, member := range v {
			if member = outcome(member); member != nil {
				m[name] = member
			}
		}
		return m
	}
	return nil
}
