// SGD over parameters: groups, rates, missing gradients, buffers. The step's arithmetic is Tensors' and tested there.

import Tensors
import Testing
import Trainer

@Suite struct MethodOptimizerTests {
    let backend = PlainBackend()

    func parameter(_ group: Parameter.Group) -> Parameter {
        Parameter(name: "\(group)", group: group, value: backend.makeTensor(shape: [1], values: [1]))
    }

    @Test func stepsEachGroupAtItsRate() {
        let parameters = [parameter(.backbone), parameter(.head), parameter(.buffer)]
        var gradients = Gradients()
        for parameter in parameters {
            gradients.add(backend.makeTensor(shape: [1], values: [0.25]), for: parameter, backend: backend)
            gradients.add(backend.makeTensor(shape: [1], values: [0.25]), for: parameter, backend: backend)
        }
        let optimizer = SGD(backend: backend, momentum: 0.5, weightDecay: 0.5)
        let rates = LearningRates(backbone: 0.25, head: 1).scaled(by: 0.5)
        optimizer.step(parameters, gradients: gradients, rates: rates)
        // g = 0.5 + 0.5·1 = 1; steps of 0.125 and 0.5.
        #expect(parameters.map { $0.value.array() } == [[0.875], [0.5], [1]])
        optimizer.step(parameters, gradients: gradients, rates: rates, groups: [.head])
        // v = 0.5·1 + 0.5 + 0.5·0.5 = 1.25.
        #expect(parameters.map { $0.value.array() } == [[0.875], [-0.125], [1]])
        #expect(parameters[2].velocity == nil)
    }

    @Test func withoutGradientStepsOrSkips() {
        for (option, expected) in [(SGD.WithoutGradient.stepped, Float(0.5)), (.skipped, 1)] {
            let head = parameter(.head)
            let optimizer = SGD(backend: backend, momentum: 0.5, weightDecay: 0.5, withoutGradient: option)
            optimizer.step([head], gradients: Gradients(), rates: LearningRates(backbone: 1, head: 1))
            #expect(head.value.array() == [expected])
            #expect((head.velocity != nil) == (option == .stepped))
        }
    }
}
