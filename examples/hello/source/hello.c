// Greets whom it is told to. Without a C library, so that it is a package of one small file for any Linux.
//
// GREETING is the path of a file in another package; because that path stands in this program, the package refers to it.

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, OPENAT = 257, EXIT = 60 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");

static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, OPENAT = 56, EXIT = 93 };
__asm__(".globl _start\n_start: mov x0, sp\n b start\n");

static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#else
#error "a system call is written for x86_64 and aarch64 only"
#endif

enum { CURRENT_FOLDER = -100, READ_ONLY = 0, STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

static long length(const char *text) {
  long bytes = 0;
  while (text[bytes] != 0) bytes++;
  return bytes;
}

static void say(long where, const char *text) { call(WRITE, where, (long)text, length(text), 0); }

_Noreturn static void end(int code) {
  for (;;) call(EXIT, code, 0, 0, 0);
}

// The greeting's text, without the newline at its end.
static void greet(void) {
  char text[256];
  long file = call(OPENAT, CURRENT_FOLDER, (long)GREETING, READ_ONLY, 0);
  long bytes = file < 0 ? -1 : call(READ, file, (long)text, sizeof text, 0);
  if (bytes < 1) {
    say(STANDARD_ERROR, "hello: can't read " GREETING "\n");
    end(1);
  }
  if (text[bytes - 1] == '\n') bytes--;
  call(WRITE, STANDARD_OUTPUT, (long)text, bytes, 0);
}

// `stack` is as the kernel leaves it: the number of arguments, then the arguments.
_Noreturn __attribute__((used)) void start(const long *stack) {
  char *const *arguments = (char *const *)(stack + 1);
  greet();
  if (stack[0] < 2) say(STANDARD_OUTPUT, ", world");
  for (long i = 1; i < stack[0]; i++) {
    say(STANDARD_OUTPUT, i == 1 ? ", " : " ");
    say(STANDARD_OUTPUT, arguments[i]);
  }
  say(STANDARD_OUTPUT, "!\n");
  end(0);
}
