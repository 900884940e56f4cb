package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Load is what came out of asking as fast as the answers come.
type Load struct {
	Requests int
	For      time.Duration
	Median   time.Duration
	Slow     time.Duration // the 99th of 100
}

// PerSecond is the rate.
func (l Load) PerSecond() float64 { return float64(l.Requests) / l.For.Seconds() }

// times tells how long answers took.
func (l Load) times() string {
	return fmt.Sprintf("median %.2f ms, 99th %.2f ms", milliseconds(l.Median), milliseconds(l.Slow))
}

// request is the bytes of one request.
type request []byte

func get(path string) request {
	return request("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n")
}

func post(path, token string, body []byte) request {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, token, len(body))
	return append(request(head), body...)
}

// load asks a server on some connections for a while; next gives the n-th request of a connection. An answer that is not
// 2xx ends it.
func load(ctx context.Context, address string, connections int, d time.Duration, next func(connection, n int) request) (Load, error) {
	var wait sync.WaitGroup
	times := make([][]time.Duration, connections)
	failures := make([]error, connections)
	begun := time.Now()
	for i := range connections {
		wait.Go(func() {
			times[i], failures[i] = ask(ctx, address, begun.Add(d), func(n int) request { return next(i, n) })
		})
	}
	wait.Wait()
	took := time.Since(begun)
	all := slices.Concat(times...)
	if err := errors.Join(failures...); err != nil || len(all) == 0 {
		return Load{}, errors.Join(err, ctx.Err())
	}
	slices.Sort(all)
	return Load{Requests: len(all), For: took, Median: all[len(all)/2], Slow: all[len(all)*99/100]}, nil
}

// ask sends requests on one connection, one after the other.
func ask(ctx context.Context, address string, until time.Time, next func(n int) request) (times []time.Duration, err error) {
	conn, err := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(until.Add(30 * time.Second)); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	for n := 0; ctx.Err() == nil; n++ {
		sent := time.Now()
		if !sent.Before(until) {
			break
		}
		if _, err := conn.Write(next(n)); err != nil {
			return times, err
		}
		if err := answer(in); err != nil {
			return times, err
		}
		times = append(times, time.Since(sent))
	}
	return times, nil
}

var contentLength = []byte("content-length:")

// answer reads one answer and forgets it.
func answer(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || status[9] != '2' {
		return fmt.Errorf("the server answers %q", bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the server does not say how long its answer is")
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}
