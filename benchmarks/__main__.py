"""`python -m benchmarks`: all of them, printed and written to `benchmarks/RESULTS.md`."""

import os

# Thread pools read these once, when their library is loaded. Child processes inherit them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

if __name__ == "__main__":
    from benchmarks.run import main

    main()
