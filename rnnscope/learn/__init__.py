"""The computations of the course `rnnscope learn`: a module per chapter, frozen states and pure functions.

    state = hello.start()
    state = hello.nudge(state, hello.Weight("W_hh", 0, 1), 0.1)
    state = hello.step(state)
    hello.forward(state).logits        # (4, 4)

The chapters hello, unroll, vanish and gates are NumPy alone. The others read models and train them; they
import torch inside functions.
"""
