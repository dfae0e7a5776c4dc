package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// lines writes whole lines of several programs to one place, each with its program's name in front.
type lines struct {
	mutex sync.Mutex
	to    io.Writer
}

// say writes a line of the supervisor's own.
func (l *lines) say(format string, values ...any) {
	fmt.Fprintf(l.of("supervisor"), format+"\n", values...)
}

// of returns what the program of this name writes to.
func (l *lines) of(name string) io.Writer {
	return &prefixed{lines: l, prefix: name + " | "}
}

// prefixed keeps the beginning of a line until its end comes.
type prefixed struct {
	lines   *lines
	prefix  string
	pending []byte
}

func (p *prefixed) Write(text []byte) (int, error) {
	p.pending = append(p.pending, text...)
	for {
		end := bytes.IndexByte(p.pending, '\n')
		if end < 0 {
			return len(text), nil
		}
		p.emit(p.pending[:end+1])
		p.pending = p.pending[end+1:]
	}
}

func (p *prefixed) emit(line []byte) {
	p.lines.mutex.Lock()
	defer p.lines.mutex.Unlock()
	// What can't be written is lost: there is nobody else to tell.
	_, _ = p.lines.to.Write(append([]byte(p.prefix), line...))
}
